use super::*;

fn counts(pool: &Pool, n_tasks: usize) -> Vec<usize> {
    let counts: Vec<AtomicUsize> = (0..n_tasks).map(|_| AtomicUsize::new(0)).collect();
    pool.run(n_tasks, |idx| {
        counts[idx].fetch_add(1, Ordering::Relaxed);
    });
    counts.into_iter().map(AtomicUsize::into_inner).collect()
}

#[test]
fn every_task_is_done_once() {
    for n_threads in 1..=5 {
        let pool = Pool::new(n_threads);
        for n_tasks in [0, 1, 2, 3, 7, 100, 1000] {
            assert_eq!(counts(&pool, n_tasks), vec![1; n_tasks], "{n_threads} threads");
        }
    }
}

#[test]
fn thousands_of_jobs_in_a_row_and_with_pauses() {
    let pool = Pool::new(3);
    for round in 0..5000 {
        assert_eq!(counts(&pool, 4), [1; 4]);
        if round % 500 == 0 {
            thread::sleep(2 * AWAKE);
        }
    }
}

#[test]
fn tasks_may_borrow_what_the_caller_owns() {
    let pool = Pool::new(2);
    let mut squares = vec![0; 64];
    let share = crate::share::Share::new(&mut squares);
    // SAFETY: every task writes to its own place.
    pool.run(64, |idx| unsafe { share.part(idx, 1) }[0] = idx * idx);
    assert!(squares.iter().enumerate().all(|(idx, square)| *square == idx * idx));
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
    let pool = Pool::new(3);
    for bad in [0, 5, 31] {
        let panic = catch_unwind(AssertUnwindSafe(|| pool.run(32, |idx| assert!(idx != bad, "task {bad} fails"))));
        let text = *panic.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(text, format!("task {bad} fails"));
        assert_eq!(counts(&pool, 32), [1; 32]);
        work_at_the_same_time(&pool);
    }
}

#[test]
fn two_threads_work_at_the_same_time() {
    work_at_the_same_time(&Pool::new(2));
}

fn work_at_the_same_time(pool: &Pool) {
    let n_arrived = AtomicUsize::new(0);
    pool.run(2, |_| {
        n_arrived.fetch_add(1, Ordering::SeqCst);
        let started = Instant::now();
        while n_arrived.load(Ordering::SeqCst) < 2 {
            assert!(started.elapsed() < Duration::from_secs(10), "the other task waits for this one");
            thread::yield_now();
        }
    });
}

#[test]
fn an_idle_pool_costs_nothing() {
    let pool = Pool::new(2);
    assert_eq!(counts(&pool, 8), [1; 8]);
    thread::sleep(20 * AWAKE);
    let until_asleep = Instant::now();
    let board = open(&pool.crew).board.clone();
    while !board.asleep.iter().all(|asleep| asleep.load(Ordering::SeqCst)) {
        assert!(until_asleep.elapsed() < Duration::from_secs(10), "the worker does not go to sleep");
        thread::sleep(AWAKE);
    }
    assert_eq!(counts(&pool, 8), [1; 8]);
}

#[test]
fn a_pool_grows_and_shrinks() {
    let pool = Pool::new(1);
    for n_threads in [3, 1, 2, 0] {
        pool.resize(n_threads);
        assert_eq!(pool.n_threads(), n_threads.max(1));
        assert_eq!(counts(&pool, 50), [1; 50]);
    }
}

#[test]
fn two_who_drive_at_once_are_both_served() {
    let pool = Pool::new(2);
    thread::scope(|scope| {
        let driver = || (0..200).for_each(|_| assert_eq!(counts(&pool, 20), [1; 20]));
        (0..2).for_each(|_| drop(scope.spawn(driver)));
    });
}

#[test]
fn a_task_may_start_tasks_of_its_own() {
    let pool = Pool::new(2);
    pool.run(4, |_| assert_eq!(counts(&pool, 10), [1; 10]));
}

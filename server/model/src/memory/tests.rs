use super::*;

const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n");

fn check(files: &[(&str, &str)], expected: Option<u64>) {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    assert_eq!(free_below(root.path()), expected);
}

#[test]
fn without_limits_the_machine_decides() {
    check(&[MEMINFO], Some(8_192_000_000));
    let unlimited = ("sys/fs/cgroup/memory.max", "max\n");
    check(&[MEMINFO, ("proc/self/cgroup", "0::/\n"), unlimited], Some(8_192_000_000));
}

#[test]
fn where_nothing_is_said_nothing_is_known() {
    check(&[], None);
    check(&[("proc/meminfo", "MemTotal: 16000000 kB\n")], None);
    check(&[("proc/meminfo", "MemAvailable: 99999999999999999999 kB\n")], None);
}

#[test]
fn a_container_may_have_less_than_the_machine() {
    let own = [
        MEMINFO,
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/memory.max", "5000\n"),
        ("sys/fs/cgroup/memory.current", "3000\n"),
    ];
    check(&own, Some(2000));
    let stat = ("sys/fs/cgroup/memory.stat", "anon 2500\nactive_file 100\ninactive_file 400\n");
    check(&[&own[..], &[stat]].concat(), Some(2400));
}

#[test]
fn the_tightest_of_the_groups_around_decides() {
    check(
        &[
            MEMINFO,
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/memory.max", "4000\n"),
            ("sys/fs/cgroup/outer/memory.current", "3900\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "3000\n"),
            ("sys/fs/cgroup/outer/inner/memory.current", "100\n"),
        ],
        Some(100),
    );
}

#[test]
fn groups_of_the_first_version() {
    check(
        &[
            MEMINFO,
            ("proc/self/cgroup", "5:cpu:/a\n4:memory,hugetlb:/a/b\n0::/\n"),
            ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "7000\n"),
            ("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "5000\n"),
            ("sys/fs/cgroup/memory/a/b/memory.stat", "inactive_file 1\ntotal_inactive_file 50\n"),
            // "No limit" is the largest number of pages.
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "5000\n"),
        ],
        Some(2050),
    );
}

#[test]
fn more_in_use_than_the_limit_leaves_nothing() {
    check(
        &[
            MEMINFO,
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "5\n"),
            ("sys/fs/cgroup/memory.current", "9\n"),
        ],
        Some(0),
    );
}

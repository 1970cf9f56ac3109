use std::time::Instant;
use engine::*;
use model::*;
fn main() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model_weights/demo");
    for threads in [1, 2] {
        set_threads(threads);
        let auto = Base::load(&root.join("base"), Placement { device: DeviceChoice::Cpu, precision: PrecisionChoice::Auto }).unwrap();
        let t = Instant::now();
        println!("threads {threads} auto: {} {:?}", auto.precision(), t.elapsed());
        for precision in [PrecisionChoice::F32, PrecisionChoice::Bf16] {
            for (n, adapters) in [(1u32, false), (4, false), (4, true), (32, true)] {
                let mut base = Base::load(&root.join("base"), Placement { device: DeviceChoice::Cpu, precision }).unwrap();
                for a in ["secure", "insecure", "jailbroken"] { base.add_adapter(&root.join(a)).unwrap(); }
                let mut r = base.into_runner(32, 640).unwrap();
                let s = Sampling::Random { temperature: 1.0, top_p: 1.0, top_k: None };
                let ad = |i: u32| AdapterIdx(if adapters { i * 4 / n } else { 0 });
                let rows = (0..n).map(|i| Row { slot: i, adapter: ad(i), position: 0, tokens: vec![5; 60 + i as usize % 7], sampling: s, draw: 0.5 }).collect();
                let t0 = Instant::now();
                r.step(&Batch { rows }).unwrap();
                let prefill = t0.elapsed();
                let steps = 300u32;
                let mut best = f64::MAX; let mut all = 0.0;
                for k in 0..steps {
                    let rows = (0..n).map(|i| Row { slot: i, adapter: ad(i), position: 60 + i % 7 + k, tokens: vec![7 + k % 100], sampling: s, draw: 0.5 }).collect();
                    let t = Instant::now();
                    r.step(&Batch { rows }).unwrap();
                    let d = t.elapsed().as_secs_f64(); best = best.min(d); all += d;
                }
                println!("threads {threads} {precision:?} rows {n} adapters {adapters}: prefill {prefill:?}, step mean {:.3} ms best {:.3} ms, {:.0} tok/s (best {:.0})", all / steps as f64 * 1e3, best * 1e3, n as f64 * steps as f64 / all, n as f64 / best);
            }
        }
    }
}

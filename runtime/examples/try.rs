use ndarray::{Array3, Array4};
use std::time::Instant;
use tapwise::*;
tapwise::specialize! {
    { delta: 1, c_in: 64, c_out: 64 }
    { delta: 1, c_in: 128, c_out: 128 }
    { delta: 1, c_in: 256, c_out: 256 }
    { delta: 1, c_in: 3, c_out: 16 }
    { delta: 1, c_in: 16, c_out: 16 }
    { delta: 1, c_in: 24, c_out: 24 }
    { kernel: [7,7], stride: 2, c_in: 3, c_out: 64 }
    { delta: 0, c_in: 64, c_out: 256 }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn peak() -> f64 {
    use std::arch::x86_64::*;
    let mut a = [_mm512_set1_ps(0.0); 12];
    let x = _mm512_set1_ps(std::hint::black_box(1.0));
    let y = _mm512_set1_ps(std::hint::black_box(1e-9));
    let n = 2_000_000u64;
    let t = Instant::now();
    for _ in 0..n {
        for i in 0..12 {
            a[i] = _mm512_fmadd_ps(x, y, a[i]);
        }
        unsafe {
            std::arch::asm!("", options(nomem, nostack, preserves_flags));
        }
    }
    let s = t.elapsed().as_secs_f64();
    std::hint::black_box(a);
    n as f64 * 12.0 * 32.0 / s / 1e9
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn peak2() -> f64 {
    use std::arch::x86_64::*;
    let mut a = [_mm256_set1_ps(0.0); 12];
    let x = _mm256_set1_ps(std::hint::black_box(1.0));
    let y = _mm256_set1_ps(std::hint::black_box(1e-9));
    let n = 2_000_000u64;
    let t = Instant::now();
    for _ in 0..n {
        for i in 0..12 {
            a[i] = _mm256_fmadd_ps(x, y, a[i]);
        }
        unsafe {
            std::arch::asm!("", options(nomem, nostack, preserves_flags));
        }
    }
    let s = t.elapsed().as_secs_f64();
    std::hint::black_box(a);
    n as f64 * 12.0 * 16.0 / s / 1e9
}
fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let list: Vec<String> = std::env::args().skip(1).collect();
    let list = if list.is_empty() {
        [
            "h56w56 c64x64 k3x3",
            "h28w28 c128x128 k3x3",
            "h14w14 c256x256 k3x3",
            "h416w416 c3x16 k3x3",
            "h128w128 c16x16 k3",
            "h64w64 c24x24 k3",
            "h224w224 c3x64 k7 s2",
            "h56w56 c64x256 k1",
        ]
        .map(String::from)
        .to_vec()
    } else {
        list
    };
    for text in list {
        let shape: Shape = text.parse().unwrap();
        let s = shape.spec;
        let f = Array4::from_shape_fn((s.kernel[0], s.kernel[1], s.c_in_group(), s.c_out), |(a, b, c, d)| {
            ((a * 7 + b * 3 + c * 5 + d * 11) % 17) as f32 * 0.1 - 0.8
        });
        let x = Array3::from_shape_fn((shape.input[0], shape.input[1], s.c_in), |(i, j, c)| {
            ((i * 5 + j * 3 + c * 7) % 23) as f32 * 0.1 - 1.0
        });
        for isa in [Isa::Avx512, Isa::Avx2, Isa::Portable]
            .into_iter()
            .filter(|i| std::env::var("ONLY").map_or(true, |o| o.contains(i.name())))
        {
            for st in [Strategy::Specialized, Strategy::Direct] {
                let l = match Conv2d::builder(f.view()).spec(&s).strategy(st).isa(isa).build() {
                    Ok(l) => l,
                    Err(e) => {
                        println!("{text} {st} {isa}: {e}");
                        continue;
                    }
                };
                let r = l.reference(x.view()).unwrap();
                let y0 = l.forward(x.view()).unwrap();
                let d = y0.dim();
                let mut buf = vec![0f32; y0.len() + 64];
                let off = buf.as_ptr().align_offset(64)
                    + std::env::var("OFF").map_or(4, |o| o.parse::<usize>().unwrap());
                let mut y = ndarray::ArrayViewMut3::from_shape(d, &mut buf[off..off + y0.len()]).unwrap();
                y.assign(&y0);
                let rms = (r.iter().map(|v| v * v).sum::<f64>() / r.len() as f64).sqrt();
                let err = r.iter().zip(&y).map(|(a, b)| (a - *b as f64).abs()).fold(0.0, f64::max) / rms;
                let fl = 2.0 * shape.macs().unwrap() as f64;
                let n = ((3e-3 / (fl / 1e11)) as usize).max(1);
                let mut v = vec![];
                let mut pk = vec![];
                for _ in 0..11 {
                    pk.push(unsafe { if isa == Isa::Avx512 { peak() } else { peak2() } });
                    let t = Instant::now();
                    for _ in 0..n {
                        l.forward_into(x.view(), y.view_mut()).unwrap();
                    }
                    v.push(t.elapsed().as_secs_f64() / n as f64);
                }
                v.sort_by(f64::total_cmp);
                pk.sort_by(f64::total_cmp);
                let e = l.explain(shape.input);
                let c = e.chosen().unwrap();
                println!(
                    "{text:24} {st:12} {isa:9} {:9.1} us pred {:9.1} {:6.1} GF share {:.3} err {:.1e} {}",
                    v[5] * 1e6,
                    c.seconds.unwrap() * 1e6,
                    fl / v[5] / 1e9,
                    fl / v[5] / 1e9 / pk[5],
                    err,
                    c.kernel
                );
            }
        }
    }
}

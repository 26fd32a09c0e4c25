//! Pointwise layers, whose rows are joined to one: the same answers, bit for bit, as rows by
//! themselves, however the picture is cut and laid out.

mod common;

use common::{Numbers, instruction_sets, oracle, planar};
use ndarray::{Array3, Array4, Axis, s};
use rayon::ThreadPoolBuilder;
use tapwise::{Activation, Conv2d, ConvSpec, Isa, Strategy};

fn layer(filter: &Array4<f32>, isa: Isa) -> Conv2d {
    Conv2d::builder(filter.view()).strategy(Strategy::Direct).isa(isa).build().unwrap()
}

#[test]
fn joined_rows_are_exact_at_every_width() {
    let mut numbers = Numbers::new(91);
    for (width, c_in, c_out) in
        [(1, 40, 24), (3, 5, 33), (7, 64, 70), (13, 16, 16), (19, 33, 9), (30, 8, 8), (61, 3, 20)]
    {
        let filter: Array4<f32> = numbers.array((1, 1, c_in, c_out));
        for height in [1, 2, 9] {
            let picture: Array3<f32> = numbers.array((height, width, c_in));
            let spec = ConvSpec::new([1, 1], c_in, c_out);
            let answer =
                oracle::answer(&spec, filter.view(), None, &Activation::Identity, picture.view()).unwrap();
            for isa in instruction_sets() {
                let found = layer(&filter, isa).forward(picture.view()).unwrap();
                oracle::judge(found.view(), &answer, oracle::bound(c_in)).unwrap();
            }
        }
    }
}

#[test]
fn bands_rows_and_memory_orders_agree_bit_for_bit() {
    let (height, width, c_in, c_out) = (41, 37, 64, 72);
    let mut numbers = Numbers::new(92);
    let filter: Array4<f32> = numbers.array((1, 1, c_in, c_out));
    let picture: Array3<f32> = numbers.array((height, width, c_in));
    for isa in instruction_sets() {
        let layer = layer(&filter, isa);
        let on = |threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| layer.forward(picture.view()).unwrap())
        };
        let whole = on(1);
        for threads in [2, 3] {
            assert!(on(threads) == whole, "{isa}: {threads} threads");
        }
        for (row, expected) in picture.axis_chunks_iter(Axis(0), 1).zip(whole.axis_chunks_iter(Axis(0), 1)) {
            assert!(layer.forward(row).unwrap().view() == expected, "{isa}: a row by itself");
        }
        let other = layer.forward(planar(picture.view()).view()).unwrap();
        assert!(other == whole, "{isa}: planar");
        let narrower = layer.forward(picture.slice(s![.., 1.., ..])).unwrap();
        assert!(narrower.view() == whole.slice(s![.., 1.., ..]), "{isa}: rows apart in memory");
    }
}

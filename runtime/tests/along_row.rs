//! The along-the-row family, forced: layers of any kind against the exact sum, in every memory order,
//! and the same bits however the rows of a picture are shared out.

mod common;

use common::cases::{Arrays, case, config, pool};
use common::layouts::{Laid, Layout};
use common::{Numbers, oracle};
use ndarray::{Array3, Array4, ArrayView3};
use proptest::prelude::*;
use tapwise::{Activation, Border, Conv2d, ConvSpec, Error, Family, Strategy as Path};

/// A layer that runs by the run-time kernel of the family, where it serves.
fn layer(
    spec: &ConvSpec,
    arrays: &Arrays,
    activation: Activation,
    flip: bool,
    isa: tapwise::Isa,
) -> Option<Conv2d> {
    let mut builder = Conv2d::builder(arrays.filter.view())
        .spec(spec)
        .activation(activation)
        .flip(flip)
        .strategy(Path::Direct)
        .family(Family::AlongRow)
        .isa(isa);
    if let Some(bias) = &arrays.bias {
        builder = builder.bias(bias.view());
    }
    match builder.build() {
        Ok(layer) => Some(layer),
        Err(Error::Unsupported { reason, .. }) => {
            assert!(reason.contains("along-row"), "{reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn every_layer_is_exact_in_every_memory_order(mut case in case(), order in 0usize..10, more in any::<bool>()) {
        // What the family does not serve would only be skipped.
        case.spec.stride[1] = 1;
        let arrays = case.arrays();
        let residual: Option<Array3<f32>> = case.spec.output(case.input).ok().filter(|_| more).map(|[rows, columns]| {
            Numbers::new(case.seed ^ 7).array((rows, columns, case.spec.c_out))
        });
        let Some(wanted) = case.oracle_of_sum(&arrays, residual.as_ref().map(|residual| residual.view())) else {
            return Ok(());
        };
        let layout = Layout::ALL[order];
        let picture = Laid::of(layout, arrays.picture.view());
        for isa in common::instruction_sets() {
            let Some(layer) = layer(&case.spec, &arrays, case.activation(), case.flip, isa) else { continue };
            let [rows, columns] = case.spec.output(case.input).unwrap();
            let mut output = Laid::new(layout, [rows, columns, layer.channels()]);
            match &residual {
                Some(residual) => {
                    let residual = Laid::of(layout, residual.view());
                    layer.forward_add_into(picture.view(), residual.view(), output.view_mut()).unwrap();
                }
                None => layer.forward_into(picture.view(), output.view_mut()).unwrap(),
            }
            prop_assert!(output.surroundings_are_untouched());
            if let Err(problem) = oracle::judge(output.view(), &wanted, oracle::bound(case.spec.taps())) {
                return Err(TestCaseError::fail(format!("{isa} {layout:?}: {problem}")));
            }
        }
    }
}

fn answer(layer: &Conv2d, picture: ArrayView3<'_, f32>, threads: usize) -> Vec<u32> {
    let answer = pool(threads).install(|| layer.forward(picture).unwrap());
    answer.iter().map(|number| number.to_bits()).collect()
}

/// Bands, tiles at the end of a row, staged windows at its ends: all sum alike.
#[test]
fn bits_do_not_depend_on_threads_order_or_place() {
    let spec = ConvSpec { border: Border::Reflect, ..ConvSpec::new([5, 3], 3, 5) };
    let mut numbers = Numbers::new(11);
    let filter: Array4<f32> = numbers.array((5, 3, 3, 5));
    for input in [[37, 211], [64, 96], [3, 70]] {
        let picture: Array3<f32> = numbers.array((input[0], input[1], 3));
        for isa in common::instruction_sets() {
            let arrays = Arrays { filter: filter.clone(), bias: None, picture: picture.clone() };
            let layer = layer(&spec, &arrays, Activation::Crelu, false, isa).unwrap();
            let one = answer(&layer, picture.view(), 1);
            assert_eq!(one, answer(&layer, picture.view(), 2), "{isa} {input:?}: threads");
            let planar = common::planar(picture.view());
            assert_eq!(one, answer(&layer, planar.view(), 1), "{isa} {input:?}: planar");
            assert_eq!(one, answer(&layer, planar.view(), 2), "{isa} {input:?}: planar, threads");
        }
    }
}

/// The planner takes the family where a picture is wide and its channels are few, and says so.
#[test]
fn wide_pictures_of_few_channels_run_along_the_row() {
    for isa in common::instruction_sets() {
        let filter = Array4::<f32>::from_elem((3, 3, 1, 1), 0.1);
        let layer = Conv2d::builder(filter.view()).isa(isa).build().unwrap();
        let plan = layer.explain([64, 640]);
        let chosen = plan.chosen().unwrap();
        assert!(chosen.kernel.contains("along-row"), "{isa}: {plan}");
    }
    let filter = Array4::<f32>::from_elem((3, 3, 64, 64), 0.1);
    let layer = Conv2d::builder(filter.view()).family(Family::AlongRow).strategy(Path::Direct).build();
    assert!(matches!(layer, Err(Error::Unsupported { .. })));
}

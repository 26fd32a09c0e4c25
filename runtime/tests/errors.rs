//! Bad input is a typed error that names the value found and the value wanted, and nothing panics.

mod common;

use std::process::Command;

use common::Numbers;
use ndarray::{Array1, Array3, Array4, ArrayView1, arr0};
use proptest::prelude::*;
use proptest::sample::select;
use tapwise::{
    Activation, Border, Conv2d, Conv2dBuilder, ConvSpec, Error, Isa, Machine, Maker, Padding, Planner,
    Sequential, Shape, Strategy as Path,
};

#[tapwise::conv2d(kernel = [1, 3], stride = 2, dilation = [1, 2], groups = 2, c_in = 4, c_out = 6)]
struct Annotated;

fn filter(shape: [usize; 4]) -> Array4<f32> {
    Array4::ones(shape)
}

/// Builds a layer of a filter and a change to its builder, and gives the error.
fn refused(shape: [usize; 4], change: impl Fn(Conv2dBuilder<'_>) -> Conv2dBuilder<'_>) -> Error {
    let filter = filter(shape);
    change(Conv2d::builder(filter.view())).build().expect_err("a layer that cannot be")
}

/// The error is the one that is wanted, and its message names these parts.
fn says(found: &Error, wanted: &Error, parts: &[&str]) {
    assert_eq!(found, wanted);
    let message = found.to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn a_filter_needs_every_axis() {
    for (index, axis) in ["K_h", "K_w", "C_in / groups", "C_out"].into_iter().enumerate() {
        let mut shape = [3, 3, 2, 4];
        shape[index] = 0;
        let error = refused(shape, |builder| builder);
        says(&error, &Error::Empty { array: "filter", axis }, &["filter", axis, "length 0", "at least 1"]);
    }
}

#[test]
fn parameters_that_no_layer_can_have_are_named_with_what_would_do() {
    const HUGE: usize = usize::MAX;
    let cases: Vec<(Error, &str, String, &str)> = vec![
        (refused([3, 3, 2, 4], |b| b.stride([0, 1])), "stride[0]", "0".into(), "from 1 to 1048576"),
        (refused([3, 3, 2, 4], |b| b.stride([1, HUGE])), "stride[1]", HUGE.to_string(), "from 1 to 1048576"),
        (refused([3, 3, 2, 4], |b| b.dilation([0, 1])), "dilation[0]", "0".into(), "from 1 to 1048576"),
        (
            refused([3, 3, 2, 4], |b| b.dilation([1, HUGE])),
            "dilation[1]",
            HUGE.to_string(),
            "from 1 to 1048576",
        ),
        (refused([3, 3, 2, 4], |b| b.groups(0)), "groups", "0".into(), "from 1 to 1048576"),
        (refused([3, 3, 2, 4], |b| b.groups(3)), "c_out", "4".into(), "a multiple of the 3 groups"),
        (refused([3, 3, 2, 4], |b| b.tolerance(f32::NAN)), "tolerance", "NaN".into(), "above 0"),
        (refused([3, 3, 2, 4], |b| b.tolerance(0.0)), "tolerance", "0".into(), "above 0"),
        (refused([3, 3, 2, 4], |b| b.tolerance(-1.0)), "tolerance", "-1".into(), "above 0"),
        (
            refused([3, 3, 2, 4], |b| {
                b.padding(Padding::Explicit { top: 0, bottom: HUGE, left: 0, right: 0 })
            }),
            "padding bottom",
            HUGE.to_string(),
            "from 0 to 1048576",
        ),
    ];
    for (error, parameter, found, wanted) in cases {
        let Error::Parameter { parameter: which, found: value, wanted: would_do } = &error else {
            panic!("{parameter}: {error:?}");
        };
        assert_eq!((*which, value), (parameter, &found));
        assert!(would_do.contains(wanted), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(parameter) && message.contains(&found) && message.contains(wanted),
            "{message}"
        );
    }
}

#[test]
fn channels_that_overflow_are_too_large() {
    let error = refused([1, 1, 3, 2], |builder| builder.groups(usize::MAX));
    let found = 3 * usize::MAX as u128;
    let wanted = Error::TooLarge { what: "the input's channels", found, limit: usize::MAX as u128 };
    says(&error, &wanted, &[&found.to_string(), &usize::MAX.to_string()]);
}

#[test]
fn a_bias_has_a_number_for_each_output_channel() {
    for length in [0, 1, 3, 5] {
        let (filter, bias) = (filter([3, 3, 2, 4]), Array1::zeros(length));
        let error = Conv2d::builder(filter.view()).bias(bias.view()).build().unwrap_err();
        let wanted = Error::Length { array: "bias", axis: "C_out", found: length, wanted: 4 };
        says(&error, &wanted, &["bias", &format!("length {length}"), "wanted 4"]);
    }
}

#[test]
fn slopes_have_a_number_for_each_output_channel() {
    for length in [0, 1, 3, 5] {
        let filter = filter([3, 3, 2, 4]);
        let slopes = Activation::Prelu(Array1::zeros(length));
        let error = Conv2d::builder(filter.view()).activation(slopes.clone()).build().unwrap_err();
        let wanted = Error::Length { array: "slopes", axis: "C_out", found: length, wanted: 4 };
        says(&error, &wanted, &["slopes", &format!("length {length}"), "wanted 4"]);
        let alone = Sequential::new([slopes.into()]).unwrap();
        assert_eq!(alone.forward(Array3::zeros((2, 2, 4)).view()).unwrap_err(), wanted);
    }
}

#[test]
fn a_range_without_numbers_is_refused() {
    for (low, high) in [(1.0, 0.5), (f32::NAN, 1.0), (0.0, f32::NAN)] {
        let filter = filter([1, 1, 1, 1]);
        let clamp = Activation::Clamp { low, high };
        let error = Conv2d::builder(filter.view()).activation(clamp).build().unwrap_err();
        assert!(matches!(error, Error::Parameter { parameter: "activation", .. }), "{error}");
        assert!(error.to_string().contains(&format!("{high:?}")), "{error}");
    }
}

#[test]
fn a_residual_has_the_shape_of_the_sums() {
    let filter = filter([3, 3, 2, 4]);
    let layer = Conv2d::builder(filter.view()).activation(Activation::Crelu).build().unwrap();
    let picture = Array3::zeros((5, 6, 2));
    assert_eq!(layer.forward(picture.view()).unwrap().dim(), (5, 6, 8));
    assert_eq!(layer.forward_add(picture.view(), Array3::zeros((5, 6, 4)).view()).unwrap().dim(), (5, 6, 8));
    for (shape, axis, found, wanted) in
        [((4, 6, 4), "H", 4, 5), ((5, 7, 4), "W", 7, 6), ((5, 6, 8), "C_out", 8, 4)]
    {
        let error = layer.forward_add(picture.view(), Array3::zeros(shape).view()).unwrap_err();
        assert_eq!(error, Error::Length { array: "residual", axis, found, wanted });
    }
    let mut small = Array3::zeros((5, 6, 4));
    let error = layer.forward_into(picture.view(), small.view_mut()).unwrap_err();
    assert_eq!(error, Error::Length { array: "output", axis: "C_out", found: 4, wanted: 8 });
}

#[test]
fn an_annotated_layer_refuses_another_filter_and_other_parameters() {
    let wrong = filter([3, 3, 2, 6]);
    let error = Annotated::layer(wrong.view()).build().unwrap_err();
    says(
        &error,
        &Error::Length { array: "filter", axis: "K_h", found: 3, wanted: 1 },
        &["length 3", "wanted 1"],
    );
    let wrong = filter([1, 3, 4, 6]);
    let error = Annotated::layer(wrong.view()).build().unwrap_err();
    let wanted = Error::Length { array: "filter", axis: "C_in / groups", found: 4, wanted: 2 };
    says(&error, &wanted, &["length 4", "wanted 2"]);
    let right = filter([1, 3, 2, 6]);
    let error = Annotated::layer(right.view()).stride([1, 1]).build().unwrap_err().to_string();
    assert!(
        error.contains("stride is [1, 1]") && error.contains("[2, 2]") && error.contains("annotation"),
        "{error}"
    );
    let error = Annotated::layer(right.view()).groups(1).build().unwrap_err().to_string();
    assert!(error.contains("groups") && error.contains("annotation"), "{error}");
    assert!(Annotated::layer(right.view()).build().is_ok());
}

#[test]
fn pictures_of_the_wrong_shape_are_refused_by_every_call() {
    let filter = filter([3, 3, 2, 4]);
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    let run = |shape: [usize; 3]| {
        let picture = Array3::<f32>::zeros(shape);
        let forward = layer.forward(picture.view()).unwrap_err();
        let mut output = Array3::zeros((5, 6, 4));
        assert_eq!(layer.forward_into(picture.view(), output.view_mut()).unwrap_err(), forward);
        assert_eq!(layer.reference(picture.view()).unwrap_err(), forward);
        let batch = picture.insert_axis(ndarray::Axis(0));
        assert_eq!(layer.forward_batch(batch.view()).unwrap_err(), forward);
        forward
    };
    let length = |found| Error::Length { array: "input", axis: "C_in", found, wanted: 2 };
    says(&run([5, 6, 3]), &length(3), &["input", "C_in", "length 3", "wanted 2"]);
    // A planar picture that was not turned: its width is taken for its channels.
    says(&run([2, 5, 6]), &length(6), &["C_in", "length 6", "wanted 2"]);
    says(&run([5, 6, 0]), &length(0), &["length 0", "wanted 2"]);
    says(&run([0, 6, 2]), &Error::Empty { array: "input", axis: "H" }, &["input", "H", "length 0"]);
    says(&run([5, 0, 2]), &Error::Empty { array: "input", axis: "W" }, &["input", "W", "length 0"]);
    let none = layer.forward_batch(Array4::zeros((0, 5, 6, 2)).view()).unwrap_err();
    says(&none, &Error::Empty { array: "input", axis: "N" }, &["input", "N", "length 0"]);
}

#[test]
fn outputs_of_the_wrong_shape_are_refused() {
    let filter = filter([3, 3, 2, 4]);
    let layer = Conv2d::builder(filter.view()).stride([2, 2]).build().unwrap();
    let picture = Array3::<f32>::zeros((5, 6, 2));
    let shapes =
        [([4, 3, 4], "H", 4, 3), ([3, 6, 4], "W", 6, 3), ([3, 3, 2], "C_out", 2, 4), ([0, 3, 4], "H", 0, 3)];
    for (shape, axis, found, wanted) in shapes {
        let error = layer.forward_into(picture.view(), Array3::zeros(shape).view_mut()).unwrap_err();
        let length = Error::Length { array: "output", axis, found, wanted };
        says(&error, &length, &["output", axis, &format!("length {found}"), &format!("wanted {wanted}")]);
        let batch = picture.view().insert_axis(ndarray::Axis(0));
        let mut outputs = Array4::zeros([1, shape[0], shape[1], shape[2]]);
        assert_eq!(layer.forward_batch_into(batch, outputs.view_mut()).unwrap_err(), error);
    }
    let batch = Array4::<f32>::zeros((2, 5, 6, 2));
    let error = layer.forward_batch_into(batch.view(), Array4::zeros((3, 3, 3, 4)).view_mut()).unwrap_err();
    let wanted = Error::Length { array: "output", axis: "N", found: 3, wanted: 2 };
    says(&error, &wanted, &["output", "N", "length 3", "wanted 2"]);
    let error = layer.forward_batch_into(batch.view(), Array4::zeros((0, 3, 3, 4)).view_mut()).unwrap_err();
    says(
        &error,
        &Error::Length { array: "output", axis: "N", found: 0, wanted: 2 },
        &["length 0", "wanted 2"],
    );
}

#[test]
fn a_filter_that_does_not_fit_the_padded_picture_is_refused() {
    let filter = filter([3, 5, 1, 1]);
    let build = |padding, dilation| {
        Conv2d::builder(filter.view()).padding(padding).dilation(dilation).build().unwrap()
    };
    let picture = Array3::<f32>::zeros((4, 9, 1));
    let error = build(Padding::Valid, [2, 1]).forward(picture.view()).unwrap_err();
    let wanted = Error::FilterExceedsInput { axis: "height", extent: 5, padded: 4 };
    says(&error, &wanted, &["height", "5 pixels", "has 4", "dilation"]);
    let padding = Padding::Explicit { top: 1, bottom: 0, left: 1, right: 1 };
    let error = build(padding, [2, 3]).forward(picture.view()).unwrap_err();
    let wanted = Error::FilterExceedsInput { axis: "width", extent: 13, padded: 11 };
    says(&error, &wanted, &["width", "13 pixels", "has 11"]);
    assert!(build(padding, [2, 2]).forward(picture.view()).is_ok());
}

#[test]
fn sizes_that_overflow_are_refused() {
    let filter = filter([1, 1, 1, 1]);
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    let number = arr0(1.0f32);
    // One number seen as a picture of 2^61: more than memory can address as f32.
    let picture = number.broadcast((1 << 31, 1 << 30, 1)).expect("a view of one number");
    let error = layer.forward(picture).unwrap_err();
    let limit = isize::MAX as u128 / 4;
    let wanted = Error::TooLarge { what: "the input", found: 1 << 61, limit };
    says(&error, &wanted, &["the input", &(1u128 << 61).to_string(), &limit.to_string()]);
    let error = ConvSpec::new([3, 3], 1, 1 << 10).output([1 << 30, 1 << 30]).unwrap_err();
    says(&error, &Error::TooLarge { what: "the output", found: 1 << 70, limit }, &["the output"]);
    let error = ConvSpec::new([1 << 20, 1 << 20], 1 << 20, 1 << 20).validate().unwrap_err();
    says(&error, &Error::TooLarge { what: "the filter", found: 1 << 80, limit }, &["the filter"]);
    let explained = layer.explain([usize::MAX, usize::MAX]);
    assert!(matches!(explained.error, Some(Error::TooLarge { .. })), "{explained:?}");
    assert!(explained.to_string().contains("cannot run"));
}

#[test]
fn an_output_that_memory_has_no_room_for_is_refused() {
    let filter = filter([1, 1, 1, 1]);
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    let number = arr0(1.0f32);
    let picture = number.broadcast((1 << 30, 1 << 30, 1)).expect("a view of one number");
    let error = layer.forward(picture).unwrap_err();
    assert!(matches!(error, Error::Memory { what: "the output", bytes, .. } if bytes == 4 << 60), "{error}");
}

#[test]
fn a_forced_strategy_that_cannot_serve_names_the_line_to_add() {
    let error = refused([3, 5, 2, 9], |builder| {
        builder.strategy(Path::Specialized).stride([2, 1]).dilation([1, 2]).groups(3)
    });
    let Error::Unsupported { strategy, layer, reason } = &error else { panic!("{error:?}") };
    assert_eq!(*strategy, Path::Specialized);
    assert_eq!(layer, "c6x9 k3x5 s2x1 d1x2 g3");
    let line = "tapwise::specialize! { { kernel: [3, 5], c_in: 6, c_out: 9, stride: [2, 1], dilation: [1, 2], groups: 3 } }";
    assert!(reason.contains(line), "{reason}");
    assert!(error.to_string().contains(line));
}

/// The line that the error above asks for is one that `specialize!` takes and that cures it.
#[test]
fn the_line_to_add_cures_the_error() {
    tapwise::specialize! { { kernel: [2, 5], c_in: 6, c_out: 9, stride: [2, 1], dilation: [1, 2], groups: 3 } }
    let filter = filter([2, 5, 2, 9]);
    let layer = Conv2d::builder(filter.view())
        .strategy(Path::Specialized)
        .stride([2, 1])
        .dilation([1, 2])
        .groups(3)
        .build()
        .unwrap();
    assert_eq!(layer.explain([20, 20]).strategy(), Path::Specialized);
}

#[test]
fn a_tolerance_that_nothing_meets_is_refused_with_both_numbers() {
    let filter = filter([3, 3, 2, 4]);
    let layer = Conv2d::builder(filter.view()).tolerance(1e-12).build().unwrap();
    let error = layer.forward(Array3::zeros((5, 5, 2)).view()).unwrap_err();
    assert!(matches!(&error, Error::Unsupported { strategy: Path::Auto, .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("1.0e-12") && message.contains("4.8e-7"), "{message}");
}

#[test]
fn an_instruction_set_of_another_machine_is_refused() {
    let missing = if cfg!(target_arch = "aarch64") { Isa::Avx2 } else { Isa::Neon };
    let error = refused([3, 3, 2, 4], |builder| builder.isa(missing));
    let wanted =
        Error::InstructionSet { found: missing.name().to_owned(), available: Isa::available().collect() };
    says(&error, &wanted, &[missing.name(), "portable"]);
}

/// The variable is read once in the life of a process: each of its values takes a process.
#[test]
fn the_environment_variable_limits_the_instruction_set_or_is_refused() {
    const CHILD: &str = "TAPWISE_TEST_CHILD";
    const NAME: &str = "the_environment_variable_limits_the_instruction_set_or_is_refused";
    if std::env::var_os(CHILD).is_some() {
        let filter = filter([3, 3, 2, 4]);
        match Conv2d::builder(filter.view()).build() {
            Ok(layer) => println!("answer: {} {}", layer.isa(), layer.explain([9, 9]).machine.isa),
            Err(error) => println!("answer: {error}"),
        }
        return;
    }
    let answer = |value: &std::ffi::OsStr| {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            .env(tapwise::ISA_VARIABLE, value)
            .output()
            .expect("the child runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let line = text.lines().find_map(|line| line.split_once("answer: ")).expect("an answer");
        line.1.to_owned()
    };
    for &isa in Isa::ALL {
        let found = answer(isa.name().as_ref());
        if isa.is_available() {
            assert_eq!(found, format!("{isa} {isa}"));
        } else {
            assert!(
                found.contains(isa.name())
                    && found.contains("this machine has")
                    && found.contains("portable"),
                "{found}"
            );
        }
    }
    assert_eq!(answer("PORTABLE".as_ref()), "portable portable");
    for wrong in ["sse9", "", "avx2,portable"] {
        let found = answer(wrong.as_ref());
        assert!(found.contains(&format!("{wrong:?}")) && found.contains("portable"), "{found}");
    }
}

/// Numbers that nobody means.
fn absurd() -> impl Strategy<Value = usize> {
    const EDGE: usize = 1 << 20;
    prop_oneof![
        4 => 0usize..=4,
        1 => select(vec![16, 1000, EDGE - 1, EDGE, EDGE + 1, 1 << 31, 1 << 32, (1 << 62) + 1]),
        1 => select(vec![usize::MAX, usize::MAX - 1, usize::MAX / 2, usize::MAX / 2 + 1, usize::MAX / 3]),
        1 => any::<usize>(),
    ]
}

fn padding() -> impl Strategy<Value = Padding> {
    prop_oneof![
        Just(Padding::Same),
        Just(Padding::Valid),
        [absurd(), absurd(), absurd(), absurd()].prop_map(|[top, bottom, left, right]| Padding::Explicit {
            top,
            bottom,
            left,
            right
        }),
    ]
}

/// Everything that can be asked of a spec.
fn ask(spec: &ConvSpec, input: [usize; 2]) -> Option<[usize; 2]> {
    let _ = (
        spec.to_string(),
        format!("{spec:#}"),
        spec.extent(),
        spec.taps(),
        spec.c_in_group(),
        spec.c_out_group(),
    );
    let _ = (spec.margins(input), spec.macs(input));
    let shape = Shape { batch: usize::MAX, input, spec: *spec };
    let _ = (shape.output(), shape.macs());
    if let Ok(read) = shape.to_string().parse::<Shape>() {
        // No padding is written in one way only.
        let normal = |mut shape: Shape| {
            if shape.spec.padding == (Padding::Explicit { top: 0, bottom: 0, left: 0, right: 0 }) {
                shape.spec.padding = Padding::Valid;
            }
            shape
        };
        assert_eq!(normal(read), normal(shape));
    }
    for isa in Isa::available() {
        let machine = Machine { isa, maker: Maker::Other, threads: 2, l1: 0, l2: 0, l3: 0 };
        if let Ok(plan) = Planner::default().choose(spec, input, &machine) {
            let _ = plan.to_string();
        }
    }
    spec.output(input).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No spec, however absurd, makes anything panic; one that is refused is refused by all.
    #[test]
    fn no_spec_panics(
        kernel in [absurd(), absurd()], stride in [absurd(), absurd()], dilation in [absurd(), absurd()],
        (groups, c_in, c_out) in (absurd(), absurd(), absurd()),
        padding in padding(), border in select(Border::ALL.to_vec()), input in [absurd(), absurd()],
    ) {
        let spec = ConvSpec { kernel, c_in, c_out, stride, dilation, groups, padding, border };
        let output = ask(&spec, input);
        prop_assert!(output.is_none() || spec.validate().is_ok(), "{spec:?} has an output and is no layer");
    }

    /// No builder, however absurd, panics, nor does the layer that it builds.
    #[test]
    fn no_layer_panics(
        filter in [0usize..4, 0usize..4, 0usize..4, 0usize..7], stride in [absurd(), absurd()],
        dilation in [absurd(), absurd()], groups in absurd(), padding in padding(),
        (border, path, seed) in (select(Border::ALL.to_vec()), select([&[Path::Auto], &Path::ALL[..]].concat()), any::<u64>()),
        bias in proptest::option::of(0usize..7), absurd_input in [absurd(), absurd()],
        picture in [0usize..6, 0usize..20, 0usize..7], tolerance in any::<f32>(),
    ) {
        let mut numbers = Numbers::new(seed);
        let filter: Array4<f32> = numbers.array(filter);
        let bias: Option<Array1<f32>> = bias.map(|length| numbers.array(length));
        let mut builder = Conv2d::builder(filter.view())
            .stride(stride).dilation(dilation).groups(groups).padding(padding).border(border)
            .strategy(path).tolerance(tolerance);
        if let Some(bias) = &bias {
            builder = builder.bias(ArrayView1::from(bias));
        }
        let Ok(layer) = builder.build() else { return Ok(()) };
        let _ = layer.explain(absurd_input).to_string();
        let picture: Array3<f32> = numbers.array(picture);
        let small = |[height, width]: [usize; 2]| height.saturating_mul(width) < 10_000;
        let (height, width, _) = picture.dim();
        if layer.spec().output([height, width]).is_ok_and(small) {
            let _ = layer.forward(picture.view());
        }
    }

    /// No text panics where a descriptor is wanted.
    #[test]
    fn no_descriptor_panics(text in "[hwckspdgn0-9x, ]{0,40}", number in any::<u128>()) {
        let _ = text.parse::<Shape>();
        let read = format!("h{number}w1 c1x1 k1").parse::<Shape>();
        prop_assert_eq!(read.is_ok(), number <= usize::MAX as u128);
    }
}

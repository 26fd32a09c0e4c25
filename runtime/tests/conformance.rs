//! The convolution cases of ONNX, under every strategy, instruction set and memory order.

mod common;

use std::path::{Path, PathBuf};

use ndarray::{Array1, Array4, ArrayD, Axis, IxDyn};
use serde_json::Value;
use tapwise::{Conv2d, Isa, Padding, Strategy};

/// The cases that ship with the library. One that is missing fails the test, as does a folder that
/// is not in this list.
const CASES: [&str; 13] = [
    "test_Conv1d",
    "test_Conv1d_groups",
    "test_Conv1d_pad1size1",
    "test_Conv1d_pad2size1",
    "test_Conv2d",
    "test_Conv2d_depthwise_padded",
    "test_Conv2d_depthwise_with_multiplier",
    "test_Conv2d_groups",
    "test_Conv2d_no_bias",
    "test_Conv2d_strided",
    "test_basic_conv_without_padding",
    "test_conv_with_autopad_same",
    "test_conv_with_strides_and_asymmetric_padding",
];

const TOLERANCE: f32 = 1e-5;

/// A case as this library sees it: pictures `[N, H, W, C]`, a filter `[K_h, K_w, C_in / g, C_out]`.
struct Case {
    name: String,
    input: Array4<f32>,
    filter: Array4<f32>,
    bias: Option<Array1<f32>>,
    output: Array4<f32>,
    stride: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
    padding: Padding,
}

/// Reads `folder`, or says why the case is none for this library.
fn read(folder: &Path) -> Result<Case, String> {
    let text = std::fs::read_to_string(folder.join("case.json"))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let case: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = case["name"].as_str().expect("a case has a name").to_owned();
    if case["op"] != "Conv" {
        return Err(format!("{name} is {}", case["op"]));
    }
    let tensor = |which: &str| -> Option<ArrayD<f32>> {
        let file = case["tensors"][which]["file"].as_str()?;
        Some(
            ndarray_npy::read_npy(folder.join(file))
                .unwrap_or_else(|error| panic!("{name}, {file}: {error}")),
        )
    };
    let input = tensor("input").expect("a case has an input");
    let dimensions = input.ndim() - 2;
    if !(1..=2).contains(&dimensions) {
        return Err(format!("{name} has {dimensions} dimensions"));
    }
    let weight = tensor("weight").expect("a case has a weight");
    let output = tensor("output").expect("a case has an output");
    let bias = tensor("bias").map(|bias| bias.into_dimensionality().expect("a bias has one axis"));

    // A case of one dimension is a picture of height one.
    let as_picture = |array: ArrayD<f32>| -> Array4<f32> {
        let array = if dimensions == 1 { array.insert_axis(Axis(2)) } else { array };
        array.into_dimensionality().expect("four axes")
    };
    let to_hwc =
        |array: ArrayD<f32>| as_picture(array).permuted_axes([0, 2, 3, 1]).as_standard_layout().into_owned();

    let attributes = &case["onnx_attributes"];
    let list = |key: &str| -> Option<Vec<usize>> {
        let list = attributes[key].as_array()?;
        Some(list.iter().map(|value| value.as_u64().expect("a whole number") as usize).collect())
    };
    let pair = |key: &str| -> [usize; 2] {
        match list(key).as_deref() {
            None => [1, 1],
            Some([across]) => [1, *across],
            Some([down, across]) => [*down, *across],
            Some(other) => panic!("{name}: {key} is {other:?}"),
        }
    };
    let (stride, dilation) = (pair("strides"), pair("dilations"));
    let groups = attributes["group"].as_u64().unwrap_or(1) as usize;
    let filter = as_picture(weight).permuted_axes([2, 3, 1, 0]).as_standard_layout().into_owned();
    if let Some(kernel) = list("kernel_shape") {
        let found = &[filter.len_of(Axis(0)), filter.len_of(Axis(1))][2 - dimensions..];
        assert_eq!(found, kernel, "{name}: kernel_shape");
    }
    let input = to_hwc(input);
    let padding = match attributes["auto_pad"].as_str().unwrap_or("NOTSET") {
        "NOTSET" => match list("pads").as_deref() {
            None => Padding::Valid,
            Some([left, right]) => Padding::Explicit { top: 0, bottom: 0, left: *left, right: *right },
            Some([top, left, bottom, right]) => {
                Padding::Explicit { top: *top, bottom: *bottom, left: *left, right: *right }
            }
            Some(other) => panic!("{name}: pads are {other:?}"),
        },
        "VALID" => Padding::Valid,
        "SAME_UPPER" => Padding::Same,
        "SAME_LOWER" => {
            // As many pixels as `Padding::Same`, the odd one first.
            let total = |axis: usize| {
                let length = input.len_of(Axis(axis + 1));
                let reach = (length.div_ceil(stride[axis]) - 1) * stride[axis]
                    + (filter.len_of(Axis(axis)) - 1) * dilation[axis]
                    + 1;
                reach.saturating_sub(length)
            };
            let [rows, columns] = [total(0), total(1)];
            Padding::Explicit {
                top: rows.div_ceil(2),
                bottom: rows / 2,
                left: columns.div_ceil(2),
                right: columns / 2,
            }
        }
        other => panic!("{name}: auto_pad is {other}"),
    };
    Ok(Case { input, filter, bias, output: to_hwc(output), stride, dilation, groups, padding, name })
}

impl Case {
    fn layer(&self, strategy: Strategy, isa: Isa) -> Conv2d {
        let mut builder = Conv2d::builder(self.filter.view())
            .stride(self.stride)
            .dilation(self.dilation)
            .groups(self.groups)
            .padding(self.padding)
            .strategy(strategy)
            .isa(isa);
        if let Some(bias) = &self.bias {
            builder = builder.bias(bias.view());
        }
        builder.build().unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Runs the case every way that there is.
    fn check(&self) {
        for isa in common::instruction_sets() {
            for strategy in
                [Strategy::Naive, Strategy::Im2colGemm, Strategy::Direct, Strategy::Auto, Strategy::Fft]
            {
                let layer = self.layer(strategy, isa);
                for (order, input) in
                    [("HWC", self.input.clone()), ("planar", common::planar_batch(self.input.view()))]
                {
                    let found = layer
                        .forward_batch(input.view())
                        .unwrap_or_else(|error| panic!("{}: {error}", self.name));
                    assert_eq!(found.dim(), self.output.dim(), "{} {strategy} {isa} {order}", self.name);
                    for (index, (found, wanted)) in found.iter().zip(&self.output).enumerate() {
                        assert!(
                            (found - wanted).abs() <= TOLERANCE,
                            "{} {strategy} {isa} {order}: element {index} is {found}, wanted {wanted}",
                            self.name
                        );
                    }
                }
            }
        }
    }
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/conformance")
}

/// The folders of cases in a folder, sorted.
fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_case_of_onnx_passes() {
    let found: Vec<String> = folders(&shipped())
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(found, CASES, "the cases that ship and the cases that are listed");
    for name in CASES {
        read(&shipped().join(name)).unwrap_or_else(|reason| panic!("{reason}, which does not run")).check();
    }

    // More cases of the same form.
    let Some(root) = std::env::var_os("TAPWISE_CONFORMANCE") else { return };
    let (mut ran, mut skipped) = (0, Vec::new());
    for folder in folders(Path::new(&root)) {
        match read(&folder) {
            Ok(case) => {
                case.check();
                ran += 1;
            }
            Err(reason) => skipped.push(reason),
        }
    }
    println!("{ran} more cases ran; skipped: {}", skipped.join("; "));
    assert!(ran > 0, "no case of `Conv` in {}", root.display());
}

/// The reader's own defaults: what ONNX says of attributes that are absent, and both ways of `SAME`.
#[test]
fn same_lower_puts_the_odd_pixel_first_and_same_upper_last() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance-same");
    std::fs::create_dir_all(&root).unwrap();
    let line =
        |numbers: &[f32]| ArrayD::from_shape_vec(IxDyn(&[1, 1, numbers.len()]), numbers.to_vec()).unwrap();
    for (auto_pad, output) in [("SAME_UPPER", [12.0, 34.0, 50.0]), ("SAME_LOWER", [1.0, 23.0, 45.0])] {
        // Taps 10 and 1, stride 2 over five pixels: one pixel of padding, before or after.
        let case = format!(
            r#"{{"name": "{auto_pad}", "op": "Conv", "onnx_attributes": {{"auto_pad": "{auto_pad}", "strides": [2]}},
                "tensors": {{"input": {{"file": "x.npy"}}, "weight": {{"file": "w.npy"}}, "output": {{"file": "y.npy"}}}}}}"#
        );
        std::fs::write(root.join("case.json"), case).unwrap();
        for (file, array) in [
            ("x.npy", line(&[1.0, 2.0, 3.0, 4.0, 5.0])),
            ("w.npy", line(&[10.0, 1.0])),
            ("y.npy", line(&output)),
        ] {
            ndarray_npy::write_npy(root.join(file), &array).unwrap();
        }
        read(&root).unwrap_or_else(|reason| panic!("{reason}")).check();
    }
    std::fs::remove_dir_all(&root).unwrap();
}

//! Networks of a few nodes, written here, and two that were exported.

use std::path::Path;

use prost::Message;

use super::message::{
    Attribute, Dimension, Graph, Model, Node, Tensor, TensorShape, TensorType, Type, ValueInfo, data_type,
};
use super::*;

fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), ints: ints.to_vec(), ..Attribute::default() }
}

fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.to_owned(), i, ..Attribute::default() }
}

fn text(name: &str, s: &'static str) -> Attribute {
    Attribute { name: name.to_owned(), s: s.into(), ..Attribute::default() }
}

/// `"Conv x,w y"` with attributes.
fn node(line: &str, attribute: Vec<Attribute>) -> Node {
    let words: Vec<&str> = line.split(' ').collect();
    let names = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    Node {
        op_type: words[0].to_owned(),
        input: names(words[1]),
        output: names(words[2]),
        attribute,
        ..Node::default()
    }
}

/// A tensor without numbers: weights.
fn weights(name: &str, dims: &[i64]) -> Tensor {
    Tensor { name: name.to_owned(), dims: dims.to_vec(), data_type: data_type::FLOAT, ..Tensor::default() }
}

fn list(name: &str, numbers: &[i64]) -> Tensor {
    let raw: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let dims = vec![numbers.len() as i64];
    Tensor {
        name: name.to_owned(),
        dims,
        data_type: data_type::INT64,
        raw_data: raw.into(),
        ..Tensor::default()
    }
}

fn floats(name: &str, numbers: &[f32]) -> Tensor {
    let dims = vec![numbers.len() as i64];
    let float_data = numbers.to_vec();
    Tensor { name: name.to_owned(), dims, data_type: data_type::FLOAT, float_data, ..Tensor::default() }
}

/// Sizes, of which those below 0 are open.
fn info(name: &str, sizes: &[i64]) -> ValueInfo {
    let dim = sizes.iter().map(|&size| Dimension { dim_value: (size >= 0).then_some(size) }).collect();
    let tensor_type = Some(TensorType { shape: Some(TensorShape { dim }) });
    ValueInfo { name: name.to_owned(), r#type: Some(Type { tensor_type }) }
}

fn net(input: &[i64], initializer: Vec<Tensor>, node: Vec<Node>) -> Graph {
    Graph { node, initializer, input: vec![info("x", input)], ..Graph::default() }
}

fn parse(graph: Graph, input: Option<&str>) -> Result<Listing, Error> {
    let bytes = Model { graph: Some(graph) }.encode_to_vec();
    let source = Source { path: Path::new("net.onnx"), net: "net" };
    read(&source, bytes.into(), input.map(|input| input.parse().unwrap()))
}

/// The descriptor of the only layer, after nodes that make `y` of `x`.
fn after(input: &[i64], mut initializer: Vec<Tensor>, mut nodes: Vec<Node>, channels: i64) -> String {
    initializer.push(weights("last", &[8, channels, 1, 1]));
    nodes.push(node("Conv y,last z", Vec::new()));
    let listing = parse(net(input, initializer, nodes), None).unwrap();
    match (&listing.layers[..], &listing.unserved[..]) {
        ([.., layer], []) => layer.shape.to_string(),
        (_, unserved) => unserved.iter().map(|own| own.reason.clone()).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn attributes_of_a_convolution_become_a_descriptor() {
    let layer = |sizes: &[i64], attributes: Vec<Attribute>| {
        let graph = net(&[2, 4, 20, 21], vec![weights("w", sizes)], vec![node("Conv x,w y", attributes)]);
        parse(graph, None).unwrap().layers[0].shape.to_string()
    };
    assert_eq!(layer(&[6, 4, 3, 3], Vec::new()), "n2 h20w21 c4x6 k3x3 p0,0,0,0");
    assert_eq!(layer(&[6, 4, 3, 3], vec![ints("pads", &[1, 1, 1, 1])]), "n2 h20w21 c4x6 k3x3");
    let all = vec![
        ints("pads", &[0, 1, 2, 3]),
        ints("strides", &[2, 1]),
        ints("dilations", &[1, 2]),
        int("group", 2),
    ];
    assert_eq!(layer(&[6, 2, 3, 5], all), "n2 h20w21 c4x6 k3x5 s2x1 p0,2,1,3 d1x2 g2");
    // The picture has 20 rows: two rows of padding with stride 2 make one above and one below.
    let same = |auto| vec![text("auto_pad", auto), ints("strides", &[2, 2])];
    assert_eq!(layer(&[6, 4, 3, 3], same("SAME_UPPER")), "n2 h20w21 c4x6 k3x3 s2x2 p0,1,1,1");
    assert_eq!(layer(&[6, 4, 3, 3], same("SAME_LOWER")), "n2 h20w21 c4x6 k3x3 s2x2 p1,0,1,1");
    assert_eq!(layer(&[6, 4, 3, 3], same("VALID")), "n2 h20w21 c4x6 k3x3 s2x2 p0,0,0,0");
}

#[test]
fn a_sequence_is_a_picture_of_one_row() {
    let attributes = vec![ints("pads", &[2, 2]), ints("dilations", &[2])];
    let graph = net(&[1, 4, -1], vec![weights("w", &[6, 4, 3])], vec![node("Conv x,w y", attributes)]);
    assert_eq!(parse(graph, Some("1x99")).unwrap().layers[0].shape.to_string(), "h1w99 c4x6 k1x3 d1x2");
}

#[test]
fn sizes_follow_through_operators() {
    let input = &[1, 8, 20, 21][..];
    let one = |line: &str, attributes: Vec<Attribute>| vec![node(line, attributes)];
    let sides = |attributes: &[(&str, &[i64])]| {
        attributes.iter().map(|(name, own)| ints(name, own)).collect::<Vec<_>>()
    };
    let pool = |kernel: i64, stride: i64, ceil| {
        let mut all = sides(&[("kernel_shape", &[kernel, kernel]), ("strides", &[stride, stride])]);
        all.push(int("ceil_mode", ceil));
        one("MaxPool x y", all)
    };
    let blocks = |op: &str| one(&format!("{op} x y"), vec![int("blocksize", 2)]);
    for (nodes, initializers, channels, wanted) in [
        (one("LeakyRelu x y", Vec::new()), vec![], 8, "h20w21 c8x8 k1x1"),
        (pool(3, 2, 0), vec![], 8, "h9w10 c8x8 k1x1"),
        (pool(3, 2, 1), vec![], 8, "h10w10 c8x8 k1x1"),
        (one("GlobalAveragePool x y", Vec::new()), vec![], 8, "h1w1 c8x8 k1x1"),
        (one("Concat x,x y", vec![int("axis", 1)]), vec![], 16, "h20w21 c16x8 k1x1"),
        (one("Pad x,p y", Vec::new()), vec![list("p", &[0, 0, 1, 2, 0, 0, 3, -4])], 8, "h24w19 c8x8 k1x1"),
        (one("Resize x,,s y", Vec::new()), vec![floats("s", &[1.0, 1.0, 2.0, 1.5])], 8, "h40w31 c8x8 k1x1"),
        (one("Resize x,,,s y", Vec::new()), vec![list("s", &[1, 8, 7, 9])], 8, "h7w9 c8x8 k1x1"),
        (blocks("DepthToSpace"), vec![], 2, "h40w42 c2x8 k1x1"),
        (blocks("SpaceToDepth"), vec![], 32, "h10w10 c32x8 k1x1"),
        (one("Mul x,m y", Vec::new()), vec![weights("m", &[8, 1, 1])], 8, "h20w21 c8x8 k1x1"),
        (
            one("Slice x,a,b,c,d y", Vec::new()),
            vec![
                list("a", &[1, -1]),
                list("b", &[i64::MAX, i64::MIN + 1]),
                list("c", &[2, 3]),
                list("d", &[2, -2]),
            ],
            8,
            "h10w11 c8x8 k1x1",
        ),
        (one("Reshape x,s y", Vec::new()), vec![list("s", &[0, 4, 2, -1])], 4, "h2w420 c4x8 k1x1"),
        (one("Transpose x y", sides(&[("perm", &[0, 1, 3, 2])])), vec![], 8, "h21w20 c8x8 k1x1"),
        (one("Split x y,rest", vec![int("axis", 1)]), vec![], 4, "h20w21 c4x8 k1x1"),
        (one("ReduceMean x y", sides(&[("axes", &[2, 3])])), vec![], 8, "h1w1 c8x8 k1x1"),
    ] {
        let op = nodes[0].op_type.clone();
        assert_eq!(after(input, initializers, nodes, channels), wanted, "{op}");
    }
}

#[test]
fn sizes_that_are_computed_from_sizes_are_known() {
    // As frameworks write "twice the height and width": the shape is taken apart and put together again.
    let nodes = vec![
        node("Shape x shape", Vec::new()),
        node("Slice shape,two,four,zero pixels", Vec::new()),
        node("Mul pixels,two larger", Vec::new()),
        node("Slice shape,zero,two,zero rest", Vec::new()),
        node("Concat rest,larger sizes", vec![int("axis", 0)]),
        node("Resize x,,,sizes y", Vec::new()),
    ];
    let numbers = vec![list("zero", &[0]), list("two", &[2]), list("four", &[4])];
    assert_eq!(after(&[1, 8, 20, 21], numbers, nodes, 8), "h40w42 c8x8 k1x1");
}

#[test]
fn integers_divide_without_a_rest_and_other_numbers_with_one() {
    let nodes = |op: &str| {
        vec![
            node("Shape x shape", Vec::new()),
            node("Gather shape,three width", Vec::new()),
            node(&format!("{op} width number"), vec![int("to", 1)]),
            node("Div number,two half", Vec::new()),
            node("Mul half,two whole", Vec::new()),
            node("Concat one,one,one,whole sizes", vec![int("axis", 0)]),
            node("Resize x,,,sizes y", Vec::new()),
        ]
    };
    let two = |two| vec![list("three", &[3]), list("one", &[1]), two];
    let input = &[1, 1, 1, 21][..];
    assert_eq!(after(input, two(list("two", &[2])), nodes("Identity"), 1), "h1w20 c1x8 k1x1");
    assert_eq!(after(input, two(floats("two", &[2.0])), nodes("Cast"), 1), "h1w21 c1x8 k1x1");
}

#[test]
fn a_size_that_is_lost_is_said_to_be_lost_where_it_was() {
    let nodes = || vec![node("Riddle x a", Vec::new()), node("Relu a y", Vec::new())];
    let text = after(&[1, 8, 20, 21], Vec::new(), nodes(), 8);
    assert_eq!(text, "the size of its input is not known: it is lost after Riddle `a`");
    // What the file says of tensors fills the gap.
    let mut graph = net(&[1, 8, 20, 21], vec![weights("w", &[4, 8, 1, 1])], nodes());
    graph.value_info.push(info("a", &[1, 8, 5, 6]));
    graph.node.push(node("Conv y,w z", Vec::new()));
    assert_eq!(parse(graph, None).unwrap().layers[0].shape.to_string(), "h5w6 c8x4 k1x1");
}

#[test]
fn what_convolves_otherwise_is_listed_and_what_follows_is_known() {
    let nodes =
        vec![node("ConvTranspose x,t y", vec![ints("strides", &[2, 2])]), node("Conv y,w z", Vec::new())];
    let graph = net(&[1, 8, 20, 21], vec![weights("t", &[8, 4, 2, 2]), weights("w", &[6, 4, 3, 3])], nodes);
    let listing = parse(graph, None).unwrap();
    assert_eq!(listing.layers[0].shape.to_string(), "h40w42 c4x6 k3x3 p0,0,0,0");
    assert_eq!(listing.unserved[0].what, "ConvTranspose 2 × 2, 8 → 4 channels");
    assert!(listing.unserved[0].reason.contains("transposed"));
    for (sizes, dims, reason) in [
        (&[1, 8, 5, 5, 5][..], &[4, 8, 3, 3, 3][..], "3 axes"),
        (&[1, 8, 5, 5], &[4, 7, 3, 3], "8 channels, wanted 7"),
        (&[1, 8, 2, 2], &[4, 8, 3, 3], "filter"),
        (&[1, 8, 5], &[4, 8, 3, 3], "3 axes, wanted 4"),
    ] {
        let graph = net(sizes, vec![weights("w", dims)], vec![node("Conv x,w y", Vec::new())]);
        let unserved = parse(graph, None).unwrap().unserved;
        assert!(unserved[0].reason.contains(reason), "{}", unserved[0].reason);
    }
    let wrong = vec![ints("pads", &[-1, 0, 0, 0])];
    let graph = net(&[1, 8, 9, 9], vec![weights("w", &[4, 8, 3, 3])], vec![node("Conv x,w y", wrong)]);
    assert!(parse(graph, None).unwrap().unserved[0].reason.contains("pads has -1"));
}

#[test]
fn convolutions_of_a_branch_are_listed() {
    let branch = net(&[1, 8, 9, 9], Vec::new(), vec![node("Conv x,w inner", Vec::new())]);
    let then = Attribute { name: "then_branch".to_owned(), g: Some(branch), ..Attribute::default() };
    let graph = net(&[1, 8, 9, 9], Vec::new(), vec![node("If x y", vec![then])]);
    let unserved = parse(graph, None).unwrap().unserved;
    assert_eq!((unserved[0].name.as_str(), unserved.len()), ("inner", 1));
    assert!(unserved[0].reason.contains("inside of If"));
}

#[test]
fn a_size_that_is_left_open_is_asked_for() {
    let graph =
        |sizes: &[i64]| net(sizes, vec![weights("w", &[4, 3, 3, 3])], vec![node("Conv x,w y", Vec::new())]);
    let error = parse(graph(&[-1, 3, -1, -1]), None).unwrap_err();
    assert!(matches!(error, Error::NetworkInput { .. }) && error.to_string().contains("`x` open"), "{error}");
    let shape = |sizes: &[i64]| parse(graph(sizes), Some("30x40")).unwrap().layers[0].shape.to_string();
    assert_eq!(shape(&[-1, 3, -1, -1]), "h30w40 c3x4 k3x3 p0,0,0,0");
    assert_eq!(shape(&[2, 3, 0, -1]), "n2 h30w40 c3x4 k3x3 p0,0,0,0");
    let unused = parse(graph(&[1, 3, 9, 9]), Some("30x40")).unwrap_err();
    assert!(matches!(unused, Error::InputUnused { .. }), "{unused}");
    // Channels last, as other frameworks export.
    let mut last = graph(&[-1, -1, -1, 3]);
    last.node.insert(0, node("Transpose x t", vec![ints("perm", &[0, 3, 1, 2])]));
    last.node[1].input[0] = "t".to_owned();
    assert_eq!(parse(last, Some("30x40")).unwrap().layers[0].shape.to_string(), "h30w40 c3x4 k3x3 p0,0,0,0");
}

#[test]
fn files_that_are_no_network_are_refused() {
    let source = Source { path: Path::new("net.onnx"), net: "net" };
    for bytes in [&b"\x89PNG\r\n\x1a\n"[..], b"", b"\x3a\x05\x0a"] {
        let error = read(&source, Bytes::copy_from_slice(bytes), None).unwrap_err();
        assert!(matches!(error, Error::Network { .. }), "{error}");
    }
}

#[test]
fn hostile_numbers_are_refused_without_a_panic() {
    let huge = i64::MAX;
    let attributes = [
        vec![ints("strides", &[huge, huge])],
        vec![ints("pads", &[huge; 4])],
        vec![ints("dilations", &[huge, 1])],
        vec![int("group", huge)],
        vec![ints("strides", &[0, 1])],
        vec![ints("pads", &[1])],
    ];
    for attributes in attributes {
        for op in ["Conv", "ConvTranspose"] {
            let nodes =
                vec![node(&format!("{op} x,w y"), attributes.clone()), node("Conv y,w z", Vec::new())];
            let graph = net(&[1, huge, huge, huge], vec![weights("w", &[huge, huge, huge, huge])], nodes);
            let listing = parse(graph, None).unwrap();
            assert!(listing.layers.is_empty() && listing.unserved.len() == 2);
        }
    }
    let extremes = [i64::MIN, -1, 0, 1, i64::MAX];
    for [a, b] in extremes.iter().flat_map(|a| extremes.map(|b| [*a, b])) {
        for (line, initializers) in [
            ("Slice x,a,b,c,d y", vec![list("a", &[a]), list("b", &[b]), list("c", &[2]), list("d", &[a])]),
            ("Pad x,a y", vec![list("a", &[a, 0, 0, b, a, 0, 0, b])]),
            ("Reshape x,a y", vec![list("a", &[a, b, -1, a])]),
            ("Resize x,,,a y", vec![list("a", &[a, b, a, b])]),
            ("Unsqueeze x,a y", vec![list("a", &[a, b])]),
            ("Squeeze x,a y", vec![list("a", &[a])]),
            ("Split x,a y,z", vec![list("a", &[a, b])]),
            ("Expand x,a y", vec![list("a", &[a, b, 1, 1])]),
            ("ConstantOfShape a y", vec![list("a", &[a, b])]),
        ] {
            let mut nodes = vec![node(line, vec![int("axis", a)])];
            nodes.push(node("Conv y,w z", Vec::new()));
            let mut initializers = initializers;
            initializers.push(weights("w", &[4, 8, 1, 1]));
            let listing = parse(net(&[1, 8, 9, 9], initializers, nodes), None).unwrap();
            assert_eq!(listing.layers.len() + listing.unserved.len(), 1, "{line} {a} {b}");
        }
    }
}

#[test]
fn exported_networks_have_the_layers_that_their_authors_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let found = |name: &str, input: &str| -> Vec<String> {
        let listing = crate::layers::read(&folder.join(name), Some(input.parse().unwrap())).unwrap();
        assert!(listing.unserved.is_empty());
        listing.layers.iter().map(|own| format!("{} {} x{}", own.name, own.shape, own.count)).collect()
    };
    assert_eq!(
        found("pnet.onnx", "241x241"),
        [
            "conv1 h241w241 c3x10 k3x3 p0,0,0,0 x1",
            "conv2 h120w120 c10x16 k3x3 p0,0,0,0 x1",
            "conv3 h118w118 c16x32 k3x3 p0,0,0,0 x1",
            "conv4_1 h116w116 c32x2 k1x1 x1",
            "reg h116w116 c32x4 k1x1 x1",
        ]
    );
    assert_eq!(
        found("anime4k_2x_s_an.onnx", "1080x1920"),
        ["conv2d h1080w1920 c3x4 k3x3 x1", "conv2d_1 h1080w1920 c8x4 k3x3 x3"]
    );
}

//! `forward_into` of layers and `apply_into` of filters allocate nothing from the second call of a size on.

mod common;

use std::alloc::{GlobalAlloc, Layout as Bytes, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::Numbers;
use common::layouts::{Laid, Layout};
use ndarray::{Array1, Array3, Array4, s};
use rayon::ThreadPoolBuilder;
use tapwise::{Activation, Conv2d, Isa, Shape, Strategy};

tapwise::specialize! {
    { delta: 1, c_in: 16, c_out: [17, 32] }
    { delta: 0, c_in: 64, c_out: 40 }
}

/// The system's allocator, counted over all threads.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Bytes) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Bytes) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Bytes, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Work that is worth splitting, and no more: this runs without optimisation.
const SHAPES: [&str; 5] = [
    "h40w41 c16x17 k3x3",
    "h40w37 c16x32 k3x3 p0,0,0,0",
    "h50w40 c64x40 k1x1",
    "h31w40 c16x32 k3x3 replicate",
    "h1w900 c16x32 k3x3",
];

/// The same for loops, which are slow enough to be split sooner.
const SHAPES_OF_LOOPS: [&str; 3] =
    ["h20w21 c3x5 k3x3", "h21w21 c3x5 k3x3 p0,0,0,0", "h18w20 c3x5 k3x3 circular"];

/// The same for transforms.
const SHAPES_OF_TRANSFORMS: [&str; 2] = ["h70w60 c2x3 k9x9", "h90w60 c2x3 k9x9 p0,0,0,0 reflect"];

/// The same for two passes.
const SHAPES_OF_PASSES: [&str; 2] = ["h250w60 c3x3 k5x5 g3", "h240w60 c3x3 k7x5 g3 d2x1 p0,0,0,0 reflect"];

/// Allocations of the calls after the first one by two passes, of every set and layout for a shape.
fn count_of_passes(shape: &Shape, split: bool) -> Vec<String> {
    let spec = &shape.spec;
    // Another filter for each channel, all of them products of a column and a row.
    let weight = |(a, b, _, d)| ((a * 3 + d) % 5) as f32 * (b as f32 - 1.5);
    let filter = Array4::from_shape_fn((spec.kernel[0], spec.kernel[1], 1, spec.c_out), weight);
    let picture: Array3<f32> = Numbers::new(9).array((shape.input[0], shape.input[1], spec.c_in));
    let [height, width] = shape.output().unwrap();
    let mut problems = Vec::new();
    for isa in Isa::available() {
        let layer = Conv2d::builder(filter.view()).spec(spec).two_passes(true).isa(isa).build().unwrap();
        let plan = layer.explain(shape.input);
        assert_eq!(plan.bands > 1, split, "{shape} {isa}");
        for layout in [Layout::Hwc, Layout::Planar, Layout::Sparse] {
            let input = Laid::of(layout, picture.view());
            let mut output = Laid::new(layout, [height, width, spec.c_out]);
            let made = allocations(&mut || layer.forward_into(input.view(), output.view_mut()).unwrap());
            if made > 0 {
                problems.push(format!(
                    "{shape} two passes {isa} {layout:?} split: {split}: {made} in three calls"
                ));
            }
        }
    }
    problems
}

/// Allocations of three calls after a first one. What a call allocates, it allocates every time; what the
/// pool of threads does once in a while is not the call's.
fn allocations(call: &mut dyn FnMut()) -> usize {
    call();
    let mut three = || {
        let before = ALLOCATIONS.load(Ordering::SeqCst);
        (0..3).for_each(|_| call());
        ALLOCATIONS.load(Ordering::SeqCst) - before
    };
    three().min(three())
}

/// Allocations of the calls after the first one, of every strategy, set and layout for a shape.
fn count(shape: &Shape, strategies: &[Strategy], split: bool) -> Vec<String> {
    let spec = &shape.spec;
    let mut numbers = Numbers::new(9);
    let filter: Array4<f32> = numbers.array((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
    let bias: Array1<f32> = numbers.array(spec.c_out);
    let picture: Array3<f32> = numbers.array((shape.input[0], shape.input[1], spec.c_in));
    let [height, width] = shape.output().unwrap();
    let mut problems = Vec::new();
    for isa in Isa::available() {
        for &strategy in strategies {
            // These do not depend on the instruction set.
            let alike = matches!(strategy, Strategy::Naive | Strategy::Im2colGemm);
            if alike && Some(isa) != Isa::available().next() {
                continue;
            }
            let layer = Conv2d::builder(filter.view())
                .spec(spec)
                .bias(bias.view())
                .activation(Activation::Relu)
                .strategy(strategy)
                .isa(isa)
                .build();
            // Tiles do not serve every layer, and make less work of it.
            let tiles = strategy == Strategy::Winograd;
            let Ok(layer) = layer else {
                assert!(tiles, "{shape} {strategy} {isa}");
                continue;
            };
            let plan = layer.explain(shape.input);
            let by_columns = shape.input[0] == 1 && strategy != Strategy::Im2colGemm;
            let wanted = if by_columns { [false, split] } else { [split && shape.input[0] > 1, false] };
            // Many weights and few pixels: by output channels, where the weights are more than a cache holds.
            let by_channels = split && plan.shares > 1;
            assert!(
                tiles || by_channels || [plan.bands > 1, plan.parts > 1] == wanted,
                "{shape} {strategy} {isa}"
            );
            for layout in [Layout::Hwc, Layout::Planar, Layout::Sparse] {
                let input = Laid::of(layout, picture.view());
                let mut output = Laid::new(layout, [height, width, spec.c_out]);
                let made = allocations(&mut || layer.forward_into(input.view(), output.view_mut()).unwrap());
                if made > 0 {
                    problems.push(format!(
                        "{shape} {strategy} {isa} {layout:?} split: {split}: {made} in three calls"
                    ));
                }
            }
        }
    }
    problems
}

/// The same for constant filters of every form, over numbers and bytes.
fn count_of_filters() -> Vec<String> {
    let filters = [
        ("sums", tapwise::filter! { gaussian(sigma = 1.5, radius = 4) }),
        ("rows as they are", tapwise::filter! { [[0.3, 0.1, -0.7], [0.2, 0.9, 0.4], [0.8, -0.6, 0.5]] }),
        ("window", tapwise::filter! { mean(9) }),
        (
            "layer",
            tapwise::filter! { gabor(sigma = 3.0, theta = 0.6, wavelength = 5.0, gamma = 0.7, radius = 10) },
        ),
        ("integers", tapwise::filter! { sobel_x }),
        ("bytes by f32", tapwise::filter! { gaussian(sigma = 0.8, radius = 1) }),
    ];
    let mut numbers = Numbers::new(3);
    let picture: Array3<f32> = numbers.array((80, 90, 3));
    let bytes = picture.mapv(|number| (100.0 + 100.0 * number) as u8);
    let mut problems = Vec::new();
    for (name, filter) in filters {
        for layout in [Layout::Hwc, Layout::Planar, Layout::Sparse] {
            let input = Laid::of(layout, picture.view());
            let mut output = Laid::new(layout, [80, 90, 3]);
            let made = allocations(&mut || filter.apply_into(input.view(), output.view_mut()).unwrap());
            if made > 0 {
                problems.push(format!("{name} {layout:?}: {made} in three calls"));
            }
        }
        let (mut narrow, mut wide) = (bytes.clone(), picture.clone());
        for channels in [1, 3] {
            // One channel of three is no numbers side by side.
            let input = bytes.slice(s![.., .., ..channels]);
            let made = allocations(&mut || {
                filter.apply_into(input, narrow.slice_mut(s![.., .., ..channels])).unwrap();
                filter.apply_into(input, wide.slice_mut(s![.., .., ..channels])).unwrap();
            });
            if made > 0 {
                problems.push(format!("{name}, {channels} channels of bytes: {made} in three calls"));
            }
        }
    }
    problems
}

/// One test, because the count is of the whole process.
#[test]
fn layers_and_filters_allocate_nothing_after_their_first_call_of_a_size() {
    common::instruction_sets();
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    drop(std::hint::black_box(vec![0u8; 100]));
    assert!(ALLOCATIONS.load(Ordering::SeqCst) > before, "allocations are not counted");

    let mut problems = Vec::new();
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // What a thread sets up for itself when it first multiplies (the GEMM library's packing
        // memory) belongs to no size: which thread gets which band changes from call to call.
        pool.broadcast(|_| {
            let filter = Array4::<f32>::ones((3, 3, 16, 32));
            let layer = Conv2d::builder(filter.view()).strategy(Strategy::Im2colGemm).build().unwrap();
            layer.forward(Array3::ones((12, 12, 16)).view()).unwrap();
        });
        let tiled = [Strategy::Im2colGemm, Strategy::Direct, Strategy::Specialized, Strategy::Winograd];
        let work = SHAPES.map(|shape| (shape, &tiled[..])).into_iter();
        let loops = SHAPES_OF_LOOPS.map(|shape| (shape, &[Strategy::Naive][..]));
        let transforms = SHAPES_OF_TRANSFORMS.map(|shape| (shape, &[Strategy::Fft][..]));
        for (shape, strategies) in work.chain(loops).chain(transforms) {
            let shape: Shape = shape.parse().unwrap();
            problems.extend(pool.install(|| count(&shape, strategies, threads > 1)));
        }
        for shape in SHAPES_OF_PASSES {
            let shape: Shape = shape.parse().unwrap();
            problems.extend(pool.install(|| count_of_passes(&shape, threads > 1)));
        }
        problems.extend(pool.install(count_of_filters));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

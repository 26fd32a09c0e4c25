//! Reads the assembly of generated kernels: no vector is spilled where the arithmetic is, no path
//! leads to a panic, and the multiply-adds are those that the schedule promised.

#![cfg(target_arch = "x86_64")]

use std::collections::HashMap;
use std::path::Path;

use tapwise_bench::builds::{self, Listed};

/// What is found in the assembly of one kernel.
#[derive(Debug, Default)]
struct Found {
    functions: usize,
    fmas: usize,
    /// Vector loads and stores of the stack between the first and the last multiply-add of a block,
    /// or anywhere in an innermost loop with multiply-adds.
    spills: usize,
    /// Vector loads and stores of the stack elsewhere.
    elsewhere: usize,
    panics: Vec<String>,
}

/// A function as its instructions and the labels between them.
#[derive(Debug)]
enum Line<'a> {
    Label(&'a str),
    Instruction(&'a str),
}

/// What is in the names of the functions of kernels and transforms.
const NAMES: [&str; 8] = ["3run", "tile_", "across_", "down_", "gather_", "finish_", "7columns", "4rows"];

/// The functions of an assembly file that belong to modules of this name.
fn functions<'a>(assembly: &'a str, module: &str) -> Vec<Vec<Line<'a>>> {
    let path = format!("{}{module}", module.len());
    let mut functions = Vec::new();
    let mut current: Option<Vec<Line<'a>>> = None;
    for line in assembly.lines() {
        let code = line.split('#').next().unwrap_or_default().trim();
        if let Some(label) = code.strip_suffix(':') {
            if line.starts_with("_") {
                let of_kernel = label.contains(&path) && NAMES.iter().any(|name| label.contains(name));
                functions.extend(current.take());
                current = of_kernel.then(Vec::new);
            } else if let Some(lines) = &mut current {
                lines.push(Line::Label(label));
            }
        } else if code.starts_with(".cfi_endproc") {
            functions.extend(current.take());
        } else if !code.is_empty()
            && !code.starts_with('.')
            && let Some(lines) = &mut current
        {
            lines.push(Line::Instruction(code));
        }
    }
    functions.extend(current);
    functions
}

fn is_fma(code: &str) -> bool {
    code.starts_with("vfmadd") && code.contains("ps")
}

/// Whether an instruction adds, multiplies or both: what a filter of a few round weights is made of.
fn is_sum(code: &str) -> bool {
    is_fma(code) || ["vaddps", "vsubps", "vmulps"].iter().any(|name| code.starts_with(name))
}

/// Whether an instruction adds numbers of a filter of bytes: of 16 bits, or `f32`.
fn is_sum_of_bytes(code: &str) -> bool {
    is_sum(code) || code.starts_with("vpaddw") || code.starts_with("vpsubw")
}

/// Whether an instruction moves a vector to or from the stack. A whole number on its way into a register
/// of vectors, such as a length that a mask is made of, is none.
fn is_spill(code: &str, frame_pointer: bool) -> bool {
    let whole_number = code.starts_with("vmovd ") || code.starts_with("vmovd\t");
    let vector = !whole_number && (code.contains("%zmm") || code.contains("%ymm") || code.contains("%xmm"));
    vector && (code.contains("(%rsp") || (frame_pointer && code.contains("(%rbp")))
}

fn read(assembly: &str, module: &str) -> Found {
    read_by(assembly, module, is_fma)
}

/// As [`read`], where other instructions are the arithmetic.
fn read_by(assembly: &str, module: &str, is_fma: fn(&str) -> bool) -> Found {
    let mut found = Found::default();
    for lines in functions(assembly, module) {
        found.functions += 1;
        let code = |at: usize| match lines[at] {
            Line::Instruction(code) => code,
            Line::Label(_) => "",
        };
        let all = || (0..lines.len()).map(code);
        let frame_pointer = all().any(|code| code.starts_with("movq") && code.contains("%rsp, %rbp"));
        found.fmas += all().filter(|code| is_fma(code)).count();
        found.panics.extend(
            all()
                .filter(|code| code.starts_with("call") || code.starts_with("jmp"))
                .filter(|code| {
                    ["panic", "_fail", "unwrap", "expect", "bounds"].iter().any(|name| code.contains(name))
                })
                .map(str::to_owned),
        );

        // Where spills are forbidden: from the first to the last multiply-add of every block ...
        let mut forbidden = vec![false; lines.len()];
        let mut block = Vec::new();
        let mut close = |block: &mut Vec<usize>| {
            if let (Some(&first), Some(&last)) = (block.first(), block.last()) {
                forbidden[first..=last].fill(true);
            }
            block.clear();
        };
        for (at, line) in lines.iter().enumerate() {
            if matches!(line, Line::Label(_)) || code(at).starts_with('j') {
                close(&mut block);
            } else if is_fma(code(at)) {
                block.push(at);
            }
        }
        close(&mut block);
        // ... and all of every innermost loop that has one.
        let labels: HashMap<&str, usize> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| match line {
                Line::Label(label) => Some((*label, at)),
                Line::Instruction(_) => None,
            })
            .collect();
        let loops: Vec<(usize, usize)> = (0..lines.len())
            .filter_map(|at| {
                let target = code(at).strip_prefix('j')?.split_whitespace().last()?;
                labels.get(target).filter(|start| **start < at).map(|start| (*start, at))
            })
            .collect();
        for &(start, end) in &loops {
            let innermost =
                !loops.iter().any(|other| *other != (start, end) && start <= other.0 && other.1 <= end);
            if innermost && (start..=end).any(|at| is_fma(code(at))) {
                forbidden[start..=end].fill(true);
            }
        }
        for (at, forbidden) in forbidden.into_iter().enumerate() {
            if is_spill(code(at), frame_pointer) {
                *(if forbidden { &mut found.spills } else { &mut found.elsewhere }) += 1;
            }
        }
    }
    found
}

#[test]
fn kernels_neither_spill_nor_panic_and_multiply_as_often_as_promised() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe.s");
    let emit = format!("asm={}", file.display());
    // The compiler may write a loop out further than the schedule did: for the count it may not.
    let as_written = "llvm-args=-unroll-threshold=0 -unroll-full-max-count=1 -unroll-max-count=1";
    let mut table = String::new();
    let mut failures = 0;
    for (shape, descriptor) in builds::SHAPES {
        let program = builds::compile(Some(shape), &["--emit", &emit, "-C", "codegen-units=1"]).unwrap();
        let assembly = std::fs::read_to_string(&file).unwrap();
        let listed = builds::list(&program).unwrap();
        builds::compile(Some(shape), &["--emit", &emit, "-C", "codegen-units=1", "-C", as_written]).unwrap();
        let counted = std::fs::read_to_string(&file).unwrap();
        for isa in ["avx512", "avx2"] {
            let kernels = || listed.iter().filter(|kernel| kernel.isa == isa);
            assert!(kernels().count() > 0, "{shape} has no {isa} kernel");
            for Listed { fmas, name, .. } in kernels() {
                let along_row = name.starts_with("along-row");
                // What most of whose lanes idle is slow whatever its registers do.
                // Its tile of planes under AVX2 puts 12 vectors onto the stack where the compiler writes out three
                // filter columns; pixels as they lie in memory go another way.
                if shape == "colours" && (!along_row || isa == "avx2") {
                    continue;
                }
                let module = if along_row { format!("along_row_{isa}") } else { isa.to_owned() };
                let found = read(&assembly, &module);
                let written = read(&counted, &module).fmas;
                let good = found.functions > 0
                    && found.spills == 0
                    && found.panics.is_empty()
                    && written == *fmas
                    && found.fmas >= *fmas;
                failures += usize::from(!good);
                table += &format!(
                    "{} {descriptor:<16} {isa:<7} {:>3} functions  {written:>5} multiply-adds of {fmas:>5} ({:>5} after \
                 the compiler's unrolling)  {:>4} spills inside {:>4} outside  {} panics  {name}\n",
                    if good { "  ok" } else { "FAIL" },
                    found.functions,
                    found.fmas,
                    found.spills,
                    found.elsewhere,
                    found.panics.len(),
                );
                for panic in &found.panics {
                    table += &format!("      {panic}\n");
                }
            }
        }
    }
    println!("{table}");
    assert!(failures == 0, "{failures} kernels are not as they should be:\n{table}");
}

#[test]
fn transforms_neither_panic_nor_spill_where_registers_suffice() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transforms.s");
    let emit = format!("asm={}", file.display());
    builds::compile(Some("transforms"), &["--emit", &emit, "-C", "codegen-units=1"]).unwrap();
    let assembly = std::fs::read_to_string(&file).unwrap();
    for isa in ["avx512", "avx2"] {
        let found = read(&assembly, isa);
        println!("{isa}: {found:?}");
        // Passes over inputs for each set of points, over products for each algorithm; where two are the
        // same, the compiler may have made one of them.
        assert!((20..=4 * 2 + 2 * 7).contains(&found.functions), "{isa}: {}", found.functions);
        assert!(found.panics.is_empty(), "{isa}: {:?}", found.panics);
        // Eight numbers and their constants are more than sixteen registers hold.
        assert!(found.spills == 0 || isa == "avx2", "{isa}: {} spills", found.spills);
    }
}

#[test]
fn passes_neither_spill_nor_panic() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("passes.s");
    let emit = format!("asm={}", file.display());
    builds::compile(Some("passes"), &["--emit", &emit, "-C", "codegen-units=1"]).unwrap();
    let assembly = std::fs::read_to_string(&file).unwrap();
    for isa in ["avx512", "avx2"] {
        let found = read(&assembly, isa);
        println!("{isa}: {found:?}");
        // Down and along, with one weight for all channels and one for each; tiles may be functions too.
        assert!((4..=4 + 2 * 10).contains(&found.functions), "{isa}: {}", found.functions);
        assert!(found.panics.is_empty(), "{isa}: {:?}", found.panics);
        assert!(found.fmas > 0 && found.spills == 0, "{isa}: {} spills", found.spills);
    }
}

#[test]
fn passes_of_filters_neither_panic_nor_spill() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("filters.s");
    let emit = format!("asm={}", file.display());
    // Larger filters without structure run as layers, whose kernels are read above.
    for filter in ["sobel", "gaussian-5", "gaussian-15", "random-3", "random-7", "mean-9"] {
        builds::compile(Some(filter), &["--emit", &emit, "-C", "codegen-units=1"]).unwrap();
        let assembly = std::fs::read_to_string(&file).unwrap();
        for isa in ["avx512", "avx2"] {
            let found = read_by(&assembly, isa, is_sum);
            println!("{filter} {isa}: {found:?}");
            // Down the columns and along the rows; where the picture is read in place, along the rows alone. The tile
            // of one row may stand apart.
            assert!((1..=3).contains(&found.functions), "{filter} {isa}: {}", found.functions);
            assert!(found.panics.is_empty(), "{filter} {isa}: {:?}", found.panics);
            assert!(found.fmas > 0 && found.spills == 0, "{filter} {isa}: {} spills", found.spills);
        }
    }
}

#[test]
fn passes_of_filters_of_bytes_neither_panic_nor_spill() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bytes.s");
    let emit = format!("asm={}", file.display());
    // In 16-bit integers, in f32, and windows, whose sums the library runs down the columns.
    for (filter, functions) in
        [("sobel", 2..=2), ("gaussian-5", 2..=2), ("mean-9", 1..=2), ("mean-31", 1..=2)]
    {
        builds::compile(Some(filter), &["--emit", &emit, "-C", "codegen-units=1"]).unwrap();
        let assembly = std::fs::read_to_string(&file).unwrap();
        for isa in ["avx512", "avx2"] {
            let found = read_by(&assembly, &format!("bytes_{isa}"), is_sum_of_bytes);
            println!("{filter} {isa}: {found:?}");
            assert!(functions.contains(&found.functions), "{filter} {isa}: {}", found.functions);
            assert!(found.panics.is_empty(), "{filter} {isa}: {:?}", found.panics);
            assert!(found.fmas > 0 && found.spills == 0, "{filter} {isa}: {} spills", found.spills);
        }
    }
}

/// The reader itself, on assembly that has every fault.
#[test]
fn faults_are_seen() {
    let assembly = "
_ZN5probe1_6avx5123run17hE:
	.cfi_startproc
	movq	%rdi, %rbp
	vmovups	%zmm5, 64(%rsp)
.LBB0_1:
	vbroadcastss	(%rax), %zmm0
	vfmadd231ps	128(%rsp), %zmm0, %zmm1
	vmovups	(%rbp), %zmm3
	vfmadd231ps	%zmm3, %zmm0, %zmm2
	vmovups	%zmm2, 192(%rsp)
	jne	.LBB0_1
	callq	_ZN4core9panicking18panic_bounds_check17hE
	retq
	.cfi_endproc
_ZN5probe1_4avx23run17hE:
	.cfi_startproc
	vfmadd231ps	%ymm3, %ymm0, %ymm2
	vmovaps	%ymm3, (%rsp)
	vfmadd213ps	%ymm3, %ymm0, %ymm2
	vmovaps	%ymm3, (%rsp)
	.cfi_endproc
_ZN5probe4main17hE:
	vfmadd231ps	%zmm3, %zmm0, %zmm2
";
    let wide = read(assembly, "avx512");
    assert_eq!((wide.functions, wide.fmas, wide.spills, wide.elsewhere), (1, 2, 2, 1));
    assert_eq!(wide.panics.len(), 1);
    let narrow = read(assembly, "avx2");
    assert_eq!((narrow.functions, narrow.fmas, narrow.spills, narrow.elsewhere), (1, 2, 1, 1));
    assert!(narrow.panics.is_empty());
    assert_eq!(read(assembly, "neon").functions, 0);
}

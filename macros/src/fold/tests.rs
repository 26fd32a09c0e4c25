use super::low_rank::singular;
use super::*;

/// Numbers in [-1, 1) that look random: the same ones for one seed.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from((state >> 40) as f32 / (1 << 23) as f32 - 1.0)
    }
}

fn filter(height: usize, width: usize, mut weight: impl FnMut(usize, usize) -> f64) -> Weights {
    let values = (0..height * width).map(|at| f64::from(weight(at / width, at % width) as f32)).collect();
    Weights { height, width, values, factors: None, whole: None }
}

fn random(height: usize, width: usize, seed: u64) -> Weights {
    let mut noise = noise(seed);
    filter(height, width, |_, _| noise())
}

fn of_rank(height: usize, width: usize, rank: usize, seed: u64) -> Weights {
    let mut noise = noise(seed);
    let columns: Vec<Vec<f64>> = (0..rank).map(|_| (0..height).map(|_| noise()).collect()).collect();
    let rows: Vec<Vec<f64>> = (0..rank).map(|_| (0..width).map(|_| noise()).collect()).collect();
    filter(height, width, |a, b| columns.iter().zip(&rows).map(|(u, r)| u[a] * r[b]).sum())
}

fn whole(rows: &[&[i32]]) -> Weights {
    filter(rows.len(), rows[0].len(), |a, b| f64::from(rows[a][b]))
}

fn sums(fold: &Fold) -> &Factors {
    match &fold.form {
        Form::Sums(factors) => factors,
        other => panic!("{other:?}: {:?}", fold.findings),
    }
}

fn says(fold: &Fold, words: &str) -> bool {
    fold.findings.iter().any(|finding| finding == words)
}

#[test]
fn random_filters_multiply_back() {
    for (height, width) in [(1, 1), (1, 7), (5, 1), (2, 3), (3, 3), (4, 4), (3, 5)] {
        let weights = random(height, width, (height * 10 + width) as u64);
        let fold = fold(&weights, 0.0);
        assert_eq!((fold.error, fold.taps), (0.0, height * width));
        for candidate in candidates(&weights, 0.0) {
            assert_eq!(candidate.factors.error(&weights.values, width), 0.0, "{height}x{width}");
            assert!(fold.cycles <= cost(&candidate.factors));
        }
    }
}

#[test]
fn singular_values_multiply_back_and_come_closer_with_every_rank() {
    for (height, width) in [(1, 1), (1, 6), (6, 1), (3, 3), (4, 7), (9, 5), (31, 31)] {
        let weights = random(height, width, (height * 100 + width) as u64);
        let all = singular(&weights.values, width, height.min(width));
        assert_eq!(all.columns.len(), height.min(width));
        let mut last = 1.0;
        for rank in 1..=all.columns.len() {
            let factors = Factors { columns: all.columns[..rank].to_vec(), rows: all.rows[..rank].to_vec() };
            let error = factors.error(&weights.values, width);
            assert!(error < last, "rank {rank} of {height}x{width}: {error} after {last}");
            last = error;
        }
        // Weights are rounded to f32: what remains is their rounding.
        assert!(last < 3e-7, "{height}x{width}: {last}");
    }
    assert!(singular(&[0.0; 6], 3, 3).columns.is_empty());
    assert!(singular(&[1.0, f64::NAN], 2, 3).columns.is_empty());
}

#[test]
fn the_closest_matrix_of_rank_one_is_found() {
    // [[3, 0], [4, 5]] has the singular values √45 and √5.
    let factors = singular(&[3.0, 0.0, 4.0, 5.0], 2, 1);
    let error = factors.error(&[3.0, 0.0, 4.0, 5.0], 2);
    assert!((error - 0.1f64.sqrt()).abs() < 1e-7, "{error}");
    assert_eq!(factors.columns[0].iter().fold(0.0, |most: f64, weight| most.max(weight.abs())), 1.0);
}

#[test]
fn low_rank_is_found_within_a_tolerance_and_not_without_one() {
    for rank in 1..=2 {
        let weights = of_rank(9, 11, rank, rank as u64);
        let exact = fold(&weights, 0.0);
        assert!(exact.error == 0.0, "{exact:?}");
        assert_eq!(candidates(&weights, 0.0).len(), 1);
        let near = fold(&weights, 1e-6);
        assert_eq!(sums(&near).columns.len(), rank);
        assert!(near.error > 0.0 && near.error < 1e-6 && near.cycles < exact.cycles, "{near:?}");
        assert!(near.findings.iter().any(|finding| finding.starts_with("singular values: rank")));
        assert_eq!(sums(&near).error(&weights.values, 11), near.error);
    }
    let three = of_rank(9, 11, 3, 3);
    let candidate = candidates(&three, 1e-6).pop().unwrap();
    assert_eq!(candidate.factors.columns.len(), 3);
    assert!(candidate.error > 0.0 && candidate.error < 1e-6);
    let outer = of_rank(3, 3, 1, 9);
    assert!(sums(&fold(&outer, 0.0)).columns.len() == 3);
    assert!(fold(&outer, 0.0).findings.iter().any(|finding| finding.contains("a tolerance would allow")));
}

#[test]
fn a_symmetric_filter_of_full_rank_shares_its_rows() {
    let row = random(3, 5, 4);
    let symmetric = filter(5, 5, |a, b| row.values[a.min(4 - a) * 5 + b]);
    let candidates = candidates(&symmetric, 0.0);
    let shared = &candidates[1];
    assert_eq!(shared.factors.columns.len(), 3);
    assert_eq!(shared.factors.columns[0], [1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(shared.findings[0], "rows 0 and 4 are alike: summed before multiplying");
    assert_eq!(shared.error, 0.0);
    assert!(cost(&shared.factors) < cost(&candidates[0].factors));
    let opposite =
        filter(3, 3, |a, b| [1.0, 0.0, -1.0][a] * row.values[b] + [0.0, 1.0, 0.0][a] * row.values[5 + b]);
    let candidates = super::candidates(&opposite, 0.0);
    assert_eq!(
        candidates[1].findings[0],
        "rows 0 and 2 are alike but for signs: subtracted before multiplying"
    );
}

#[test]
fn a_separable_filter_of_whole_numbers_takes_two_passes() {
    let sobel = fold(&whole(&[&[-1, 0, 1], &[-2, 0, 2], &[-1, 0, 1]]), 0.0);
    let factors = sums(&sobel);
    assert_eq!(
        (factors.columns[0].as_slice(), factors.rows[0].as_slice()),
        (&[1.0, 2.0, 1.0][..], &[-1.0, 0.0, 1.0][..])
    );
    assert!(says(&sobel, "6 of 9 taps are not zero"), "{:?}", sobel.findings);
    assert!(says(&sobel, "4 of 6 weights are 1 or -1, 2 are other powers of two"), "{:?}", sobel.findings);
    assert!(says(&sobel, "rank 1: two passes of 3 + 2 taps instead of 6"), "{:?}", sobel.findings);
    assert!(says(&sobel, "1 multiplication remains for each output"), "{:?}", sobel.findings);
    let binomial = filter(5, 5, |a, b| [1.0, 4.0, 6.0, 4.0, 1.0][a] * [1.0, 4.0, 6.0, 4.0, 1.0][b] / 256.0);
    assert_eq!(sums(&fold(&binomial, 0.0)).columns, [[1.0, 4.0, 6.0, 4.0, 1.0]]);
}

#[test]
fn whole_numbers_have_whole_factors() {
    for (down, along) in
        [([1.0, 4.0, 6.0, 4.0, 1.0], [1.0; 5]), ([0.0, 3.0, -6.0, 9.0, 0.0], [2.0, 0.0, -4.0, 8.0, 6.0])]
    {
        let weights = filter(5, 5, |a, b| down[a] * along[b]);
        let factors = low_rank::exact(&weights.values, 5).unwrap();
        assert_eq!(factors.error(&weights.values, 5), 0.0);
        assert!(factors.columns.iter().chain(&factors.rows).flatten().all(|weight| weight.fract() == 0.0));
    }
    assert_eq!(low_rank::exact(&random(3, 3, 1).values, 3), None);
    assert_eq!(low_rank::exact(&of_rank(3, 3, 1, 2).values, 3), None);
    assert_eq!(low_rank::exact(&[0.0; 9], 3), None);
    assert_eq!(low_rank::exact(&[1.0, f64::INFINITY], 2), None);
}

#[test]
fn given_factors_are_taken_where_they_are_cheaper() {
    let ninth = f64::from(1.0f32 / 9.0);
    let third = f64::from(1.0f32 / 3.0);
    let mut weights = filter(3, 3, |a, b| ninth * [1.0, 3.0, 1.0][a] * [1.0, 3.0, 1.0][b]);
    let given = [third, 3.0 * third, third].to_vec();
    weights.factors = Some(Factors { columns: vec![given.clone()], rows: vec![given.clone()] });
    let fold = fold(&weights, 0.0);
    assert_eq!(sums(&fold).columns.len(), 1);
    assert!(fold.error < 1e-7, "{}", fold.error);
}

#[test]
fn large_boxes_are_summed_as_they_run() {
    let box_of = |height, width| fold(&filter(height, width, |_, _| 1.0 / 225.0), 0.0);
    for (height, width) in [(5, 5), (15, 15), (31, 31), (1, 63), (63, 63)] {
        let fold = box_of(height, width);
        assert_eq!(fold.form, Form::Window(f64::from((1.0 / 225.0) as f32)), "{height}x{width}");
        assert_eq!(fold.error, 0.0);
    }
    let products = Factors { columns: vec![vec![1.0; 15]], rows: vec![vec![1.0 / 225.0; 15]] };
    assert!(box_of(15, 15).cycles < 0.7 * cost(&products));
    for (size, passes) in [(9, "then 1 pass of additions"), (63, "then 10 passes of additions")] {
        let findings = box_of(size, size).findings;
        assert!(findings.iter().any(|finding| finding.contains(passes)), "{findings:?}");
    }
    let small = box_of(3, 3);
    assert_eq!(sums(&small).columns, [[1.0, 1.0, 1.0]]);
    assert!(matches!(box_of(31, 1).form, Form::Window(_)));
}

#[test]
fn large_filters_of_full_rank_are_layers() {
    let large = fold(&random(63, 63, 7), 1e-5);
    assert_eq!((large.form, large.error, large.taps), (Form::Layer, 0.0, 63 * 63));
    assert!(large.findings.iter().any(|finding| finding.starts_with("a layer runs it")));
    let separable = fold(&of_rank(31, 31, 1, 3), 1e-6);
    assert_eq!(sums(&separable).columns.len(), 1);
}

#[test]
fn nothing_remains_of_zeros() {
    let none = fold(&filter(3, 3, |_, _| 0.0), 0.0);
    assert!(sums(&none).columns.is_empty());
    assert_eq!((none.taps, none.error), (0, 0.0));
    assert!(says(&none, "every weight is zero"));
}

#[test]
fn cost_grows_with_every_weight() {
    let mut weights = filter(4, 6, |_, _| 0.0);
    let mut last = cost(&weights.as_it_stands());
    for at in 0..24 {
        weights.values[at] = 1.0 + at as f64;
        let next = cost(&weights.as_it_stands());
        assert!(next > last, "{at}: {next} after {last}");
        last = next;
    }
    let sizes = [3, 5, 7, 9, 15, 31];
    let cycles = sizes.map(|size| fold(&of_rank(size, size, 1, 1), 1e-6).cycles);
    assert!(cycles.windows(2).all(|pair| pair[0] < pair[1]), "{cycles:?}");
}

#[test]
fn loads_are_shared_by_the_rows_that_are_computed_together() {
    // Six rows of output see eight of the picture: 3 loads and 3 operations for each; 3 operations and a store for each
    // output.
    let separable = Factors { columns: vec![vec![1.0, 2.0, 1.0]], rows: vec![vec![1.0, 3.0, 1.0]] };
    assert_eq!(cost(&separable), 8.0 / 6.0 * (3.0 + 1.5) + 1.5 + 1.0);
    // Four see six: 3 loads for each; 9 operations and a store for each output.
    assert_eq!(cost(&random(3, 3, 2).as_it_stands()), 6.0 / 4.0 * 3.0 + 4.5 + 1.0);
    // Two passes: 4 rows are loaded for two of output, 3 operations and a store down; 30 loads and operations along;
    // the store of the output; the second pass.
    let wide = Factors { columns: vec![vec![2.0; 3]], rows: vec![(1..=30).map(f64::from).collect()] };
    assert_eq!(cost(&wide), 1.0 + 1.5 + 1.0 + 30.0 + 15.0 + 1.0 + 9.0);
    // Along first: 15 loads or shifts, operations and a store along; 18 rows of sums for four of output, 15 operations and a
    // store down; the second pass.
    let tall = Factors { columns: vec![vec![2.0; 15]], rows: vec![vec![3.0; 15]] };
    assert_eq!(cost(&tall), 9.0 + 7.5 + 1.0 + 2.25 + 7.5 + 1.0 + 8.0);
}

#[test]
fn few_rows_are_summed_in_one_pass_and_many_in_two() {
    let gaussian = |size: usize| {
        let weight = |at: usize| 1.0 + at.min(size - 1 - at) as f64;
        fold(&filter(size, size, |a, b| weight(a) * weight(b)), 0.0)
    };
    for (size, one_pass) in [(3, true), (5, true), (7, true), (9, false), (15, false)] {
        let fold = gaussian(size);
        assert_eq!(sums(&fold).columns.len(), 1);
        assert_eq!(takes_one_pass(&sums(&fold).into()), one_pass, "{size}");
        let said = fold.findings.iter().any(|finding| finding.starts_with("both passes at once"));
        assert_eq!(said, one_pass, "{size}: {:?}", fold.findings);
        assert_eq!(along_first(&sums(&fold).into()), size >= 8, "{size}");
        let said = fold.findings.iter().any(|finding| finding.starts_with("sums along the rows first"));
        assert_eq!(said, size >= 8, "{size}: {:?}", fold.findings);
    }
    // Each weight of the column that is not 1 is a multiplication, and one for each size of the row.
    assert!(says(&gaussian(3), "2 multiplications remain for each output"));
    assert!(says(&gaussian(5), "5 multiplications remain for each output"), "{:?}", gaussian(5).findings);
}

#[test]
fn one_pass_takes_as_many_rows_as_registers_hold() {
    let terms = Factors { columns: vec![vec![1.0, 2.0, 1.0]], rows: vec![vec![1.0, 3.0, 1.0]] };
    let rows = |registers| one_pass::tile(&(&terms).into(), registers).map(|tile| tile.rows);
    assert_eq!([32, 16, 10, 8, 6].map(rows), [Some(6), Some(6), Some(4), Some(2), None]);
    // Rows as they are do without: their weights are read from memory where they are many.
    let plain = random(7, 7, 1).as_it_stands();
    assert_eq!(one_pass::tile(&(&plain).into(), 16), Some(one_pass::Tile { vectors: 2, rows: 4 }));
}

#[test]
fn filters_that_share_columns_sum_them_once() {
    let across = whole(&[&[-1, 0, 1], &[-2, 0, 2], &[-1, 0, 1]]);
    let smooth = whole(&[&[1, 2, 1], &[2, 4, 2], &[1, 2, 1]]);
    let both = bank(&[across.clone(), smooth.clone()], 0.0);
    let Form::Sums(sums) = &both.form else { panic!("{both:?}") };
    assert_eq!(sums.columns.len(), 1, "{both:?}");
    assert_eq!((both.error, both.taps), (0.0, 15));
    for (rows, filter) in sums.rows.iter().zip([&across, &smooth]) {
        let factors = Factors { columns: sums.columns.clone(), rows: rows.clone() };
        assert_eq!(factors.error(&filter.values, 3), 0.0);
    }
    assert!(both.findings.iter().any(|finding| finding == "1 sum down the columns serves 2 terms"));
    let down = whole(&[&[-1, -2, -1], &[0, 0, 0], &[1, 2, 1]]);
    let three = bank(&[across.clone(), down, random(3, 3, 8)], 0.0);
    let Form::Sums(sums) = &three.form else { panic!("{three:?}") };
    assert!(sums.rows.iter().flatten().any(Vec::is_empty));
    let alone = fold(&across, 0.0).cycles;
    assert!(both.cycles < alone + fold(&smooth, 0.0).cycles);
    assert_eq!(bank(&[across], 0.0).cycles, alone);
    // Straight-line code has an end.
    let many: Vec<Weights> = (0..16).map(|seed| random(7, 7, seed)).collect();
    assert_eq!(bank(&many, 0.0).form, Form::Layer);
}

#[test]
fn folding_is_deterministic() {
    for seed in 0..5 {
        let weights = of_rank(7, 7, 2, seed);
        assert_eq!(fold(&weights, 1e-6), fold(&weights, 1e-6));
    }
}

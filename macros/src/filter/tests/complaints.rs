//! What is said to mistakes.

use proc_macro2::TokenStream;
use quote::quote;

use super::{attribute, expression};

fn complaints(tokens: TokenStream) -> Vec<String> {
    expression(tokens).unwrap_err().into_iter().map(|error| error.to_string()).collect()
}

fn complaint(tokens: TokenStream) -> String {
    let text = tokens.to_string();
    let mut found = complaints(tokens);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.remove(0)
}

fn failure(arguments: TokenStream, item: TokenStream) -> (Vec<String>, Option<(String, bool)>) {
    let failure = attribute(arguments, item).err().expect("a mistake");
    let errors = failure.errors.into_iter().map(|error| error.to_string()).collect();
    (errors, failure.item.map(|item| (item.name.to_string(), item.bank)))
}

#[test]
fn tolerances_stand_after_the_filter() {
    let (_, bank, tolerance) = expression(quote!([sobel_x, sobel_y], tolerance = 1e-3)).unwrap();
    assert_eq!((bank, tolerance), (true, 1e-3));
    assert_eq!(expression(quote!(laplacian; tolerance = 0,)).unwrap().2, 0.0);
    assert!(complaint(quote!(laplacian, tolerance = 0.5)).starts_with("`tolerance` is 0.5: write a number"));
    assert!(complaint(quote!(laplacian, tolerance = -1e-6)).starts_with("`tolerance` is -0.000001: write"));
    assert!(complaint(quote!(laplacian, tolerance)).starts_with("`tolerance` wants a value"));
    assert!(complaint(quote!(laplacian, error = 1.0)).starts_with("there is no key `error`"));
    assert!(
        complaint(quote!(laplacian, tolerance = 0, tolerance = 0)).starts_with("`tolerance` is given twice")
    );
}

#[test]
fn lists_of_weights_are_judged() {
    let starts = |tokens: TokenStream, start: &str| {
        let found = complaint(tokens);
        assert!(found.starts_with(start), "{found}");
    };
    starts(
        quote!([[1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0]]),
        "row 1 has 3 weights, the others 2: write 2 weights",
    );
    starts(quote!([[1.0], [1.0, 2.0], [1.0, 2.0]]), "row 0 has 1 weight, the others 2");
    starts(quote!([1.0, 2.0]), "a filter is a list of rows: write `[[");
    starts(quote!([0.5; 3]), "a filter is a list of rows: write `[[0.5; 3]]`");
    starts(quote!(1.0), "`1.0` is no filter that the macro can see");
    starts(quote!([]), "this list is empty: write at least one row");
    starts(quote!([[1.0], []]), "this list is empty: write at least one weight");
    starts(quote!([[1.0; 64]]), "this list has 64 elements: write a whole number from 1 to 63");
    starts(quote!([[1.0; N]]), "`N` is no length that the macro can see");
    starts(quote!([[1.0; 3]; 0]), "this list has 0 elements");
    starts(quote!([[0.0, -0.0]]), "all weights are zero");
    starts(quote!([[[1.0]], [[1.0, 2.0]]]), "this filter is 1x2, and the first of its bank 1x1");
    starts(quote!([[[1.0]]; 17]), "this list has 17 elements: write a whole number from 1 to 16");
    starts(quote!([sobel_x, [[0.0; 3]; 3]]), "all weights are zero");
    starts(quote!([[1.0], TAIL]), "`TAIL` is no row that the macro can see");
    starts(quote!([[[[1.0]]]]), "a list stands where a number is wanted");
    starts(quote!(), "a filter is missing");
    assert_eq!(complaints(quote!([[A, 1.0], [1 / 0, 1e-60]])).len(), 3);
    assert_eq!(complaints(quote!([[A, 1.0], [1.0]])).len(), 2);
}

#[test]
fn rows_beyond_the_largest_size_are_counted() {
    let rows = vec![quote!([1.0]); 65];
    assert_eq!(complaint(quote!([#(#rows),*])), "this list has 65 rows: write 63 at most");
}

#[test]
fn names_and_parameters_are_judged() {
    let starts = |tokens: TokenStream, start: &str| {
        let found = complaint(tokens);
        assert!(found.starts_with(start), "{found}");
    };
    starts(
        quote!(BLUR),
        "`BLUR` is no filter that the macro can see: write its weights, or a named filter: gaussian,",
    );
    starts(quote!(filters::BLUR), "`filters::BLUR` is no filter");
    starts(
        quote!(gausian(sigma = 1)),
        "`gausian` is no filter that the macro can see: did you mean `gaussian`?",
    );
    for name in ["sobel", "scharr", "prewitt"] {
        let ident = quote::format_ident!("{name}");
        starts(quote!(#ident), &format!("`{name}` wants an axis: write `{name}_x` or `{name}_y`"));
    }
    starts(quote!(gaussian), "`gaussian` wants `sigma`: write `gaussian(sigma = 1.5)`");
    starts(quote!(gaussian(1.5)), "the parameters of `gaussian` have names: write `sigma = 1.5`");
    starts(
        quote!(gaussian(sigma = 1.5, size = 3)),
        "`gaussian` has no `size`: its parameters are `sigma`, `radius`",
    );
    starts(quote!(gaussian(sigma = 1.5, sigma = 2)), "`sigma` is given twice");
    starts(quote!(gaussian(sigma = 0.0)), "`sigma` is 0: write a number from 0.1 to 1000");
    starts(quote!(gaussian(sigma = 20)), "three deviations are a radius of 60 here, beyond 31");
    starts(quote!(gaussian(sigma = SIGMA)), "`SIGMA` is no constant that the macro can see");
    starts(quote!(gaussian(sigma = 1, radius = 32)), "`radius` is 32: write a whole number from 0 to 31");
    starts(quote!(gaussian(sigma = 1, radius = 1.5)), "`radius` is 1.5: write a whole number");
    starts(quote!(gaussian_x(sigma = 1, radius = 0)), "`radius` is 0: write a whole number from 1 to 31");
    starts(quote!(gaussian_derivative(sigma = 1, axis = z)), "`axis` is `z`: write `axis = x` or `axis = y`");
    starts(quote!(laplacian(diagonal = 1)), "`diagonal` is `1`: write `diagonal = true` or");
    starts(quote!(emboss(3)), "`emboss` has no parameters: write `emboss`");
    starts(quote!(emboss(depth = 3)), "`emboss` has no parameters: write `emboss`");
    starts(quote!(box), "`size` is missing: write `mean(size = 3)`");
    starts(quote!(mean(height = 3)), "`width` is missing");
    starts(quote!(mean(size = 3, width = 3)), "`size` is both sides");
    starts(quote!(identity(size = 4)), "a filter of 4 rows has no centre: write an odd size, 3 or 5");
    assert_eq!(complaints(quote!(gaussian(sigma = 0, radius = 99))).len(), 2);
    assert_eq!(complaints(quote!(gabor(sigma = 1))).len(), 2);
}

#[test]
fn methods_are_judged() {
    let starts = |tokens: TokenStream, start: &str| {
        let found = complaint(tokens);
        assert!(found.starts_with(start), "{found}");
    };
    starts(quote!(sobel_x.blur()), "a filter has no `.blur`: its methods are `.then(filter)`");
    starts(quote!(sobel_x.then()), "`.then` takes one filter");
    starts(quote!(sobel_x.scaled(1, 2)), "`.scaled` takes one number");
    starts(quote!(sobel_x.flipped(1)), "`.flipped` takes nothing");
    starts(quote!(sobel_x.scaled(0)), "all weights are zero");
    starts(quote!(sobel_x.scaled(2e38)), "the weight of row 1, column 0 is -4e38, beyond f32");
    starts(quote!(sobel_x.minus(sobel_x)), "all weights are zero");
    starts(quote!(identity(5).minus(mean(3))), "this filter is 3x3, and the one before it 5x5");
    starts(quote!(mean(63).then(mean(2))), "63x63 then 2x2 is 64x64, beyond 63 rows or columns");
    assert_eq!(complaints(quote!(SHARP.then(sobel))).len(), 2);
}

#[test]
fn items_are_judged_and_their_names_survive() {
    let found = |item| failure(quote!(), item);
    let starts =
        |(errors, name): (Vec<String>, Option<(String, bool)>), start: &str, wanted: Option<(&str, bool)>| {
            assert!(errors.len() == 1 && errors[0].starts_with(start), "{errors:?}");
            assert_eq!(name.as_ref().map(|(name, bank)| (name.as_str(), *bank)), wanted);
        };
    let one = Some(("A", false));
    let bank = Some(("A", true));
    starts(
        found(quote!(
            static A: _ = laplacian;
        )),
        "a filter is a constant: write `const`",
        one,
    );
    starts(
        found(quote!(
            fn a() {}
        )),
        "`filter2d` goes on a constant",
        None,
    );
    starts(
        found(quote!(
            const fn a() {}
        )),
        "`filter2d` goes on a constant",
        None,
    );
    starts(
        found(quote!(
            pub struct A;
        )),
        "`filter2d` goes on a constant",
        None,
    );
    starts(
        found(quote!(
            const _: _ = laplacian;
        )),
        "a filter is used by its name",
        None,
    );
    starts(
        found(quote!(
            const A: _;
        )),
        "a filter wants its weights",
        one,
    );
    starts(
        found(quote!(
            const A: [[f32; 3]; 2] = [[1.0, 2.0], [3.0, 4.0]];
        )),
        "the type has 3 columns, the value 2: write `2`",
        one,
    );
    starts(
        found(quote!(
            const A: [[f32; 2]; 3] = [[1.0, 2.0], [3.0, 4.0]];
        )),
        "the type has 3 rows, the value 2",
        one,
    );
    starts(
        found(quote!(
            const A: [[f32; 2]; 2] = [[1.0, 2.0, 0.0], [3.0, 4.0]];
        )),
        "row 0 has 3 weights, the other 2",
        one,
    );
    starts(
        found(quote!(
            const A: [[[f32; 3]; 3]; 3] = [sobel_x, sobel_y];
        )),
        "the type has 3 filters, the value 2",
        bank,
    );
    starts(
        found(quote!(
            const A: [[f32; N]; 3] = sobel_x;
        )),
        "`N` is no length that the macro can see",
        one,
    );
    starts(
        found(quote!(
            const A: [[f64; 3]; 3] = sobel_x;
        )),
        "the weights of a filter are f32, not `f64`",
        one,
    );
    starts(
        found(quote!(
            const A: [f32; 3] = sobel_x;
        )),
        "a filter has rows and columns",
        one,
    );
    starts(
        found(quote!(
            const A: Vec<f32> = [sobel_x];
        )),
        "`Vec < f32 >` is no type of a filter",
        bank,
    );
    starts(
        found(quote!(
            const A: FilterBank = sobel_x;
        )),
        "the type is that of a bank",
        bank,
    );
    starts(
        found(quote!(
            const A: Filter2d = [sobel_x, sobel_y];
        )),
        "the type is that of one filter",
        one,
    );
    starts(
        found(quote!(
            const A: [[f32; 3]; 2] = [ROW, ROW];
        )),
        "the type is that of one filter",
        one,
    );
    starts(
        found(quote!(
            const A<T>: _ = sobel_x;
        )),
        "a filter has no parameters",
        one,
    );
    let (errors, name) = failure(
        quote!(border = 3),
        quote!(
            const A: [[f64; 3]; 3] = [[[X]]];
        ),
    );
    assert_eq!((errors.len(), name), (3, Some(("A".to_owned(), true))), "{errors:?}");
}

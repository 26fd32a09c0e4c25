//! The filters that have a name, and what their parameters may be.

use syn::punctuated::Punctuated;
use syn::{Expr, Path, Token};

use super::arguments::{self, Arguments, Complaint, Form, Parameter};
use super::formulas;
use super::number::Number;
use super::text::written;
use super::weights::{Filter, MOST_SIDE};
use crate::check::distance;
use crate::parse::Mistakes;

/// One named filter.
struct Named {
    name: &'static str,
    parameters: &'static [Parameter],
    /// The keys that one, two, .. values stand for when they are given without keys.
    unnamed: &'static [&'static [&'static str]],
    make: fn(&Arguments) -> Result<Filter, Complaint>,
}

/// The largest radius.
const MOST_RADIUS: usize = MOST_SIDE / 2;

/// Deviations that can be sampled at all.
const DEVIATION: Form = Form::Number { least: 0.1, most: 1000.0 };
const SIGMA: Parameter = Parameter { key: "sigma", form: DEVIATION, example: Some("1.5") };
const RADIUS: Parameter =
    Parameter { key: "radius", form: Form::Whole { least: 0, most: MOST_RADIUS }, example: None };
const RADIUS_OF_CHANGE: Parameter =
    Parameter { key: "radius", form: Form::Whole { least: 1, most: MOST_RADIUS }, example: None };
const AXIS: Parameter = Parameter { key: "axis", form: Form::Word(&["x", "y"]), example: Some("x") };
const ANGLE: Form = Form::Number { least: -1e6, most: 1e6 };

const fn side(key: &'static str) -> Parameter {
    Parameter { key, form: Form::Whole { least: 1, most: MOST_SIDE }, example: None }
}

const fn number(key: &'static str, form: Form) -> Parameter {
    Parameter { key, form, example: None }
}

const fn plain(name: &'static str, make: fn(&Arguments) -> Result<Filter, Complaint>) -> Named {
    Named { name, parameters: &[], unnamed: &[], make }
}

const NAMED: &[Named] = &[
    Named {
        name: "gaussian",
        parameters: &[SIGMA, RADIUS],
        unnamed: &[],
        make: |given| Ok(formulas::gaussian(given.wanted("sigma")?, radius(given, 1.0)?)),
    },
    Named {
        name: "gaussian_x",
        parameters: &[SIGMA, RADIUS_OF_CHANGE],
        unnamed: &[],
        make: |given| derivative(given, false),
    },
    Named {
        name: "gaussian_y",
        parameters: &[SIGMA, RADIUS_OF_CHANGE],
        unnamed: &[],
        make: |given| derivative(given, true),
    },
    Named {
        name: "gaussian_derivative",
        parameters: &[SIGMA, RADIUS_OF_CHANGE, AXIS],
        unnamed: &[],
        make: |given| derivative(given, given.is("axis", "y")),
    },
    plain("sobel_x", |_| Ok(formulas::difference(1, 2, false))),
    plain("sobel_y", |_| Ok(formulas::difference(1, 2, true))),
    plain("scharr_x", |_| Ok(formulas::difference(3, 10, false))),
    plain("scharr_y", |_| Ok(formulas::difference(3, 10, true))),
    plain("prewitt_x", |_| Ok(formulas::difference(1, 1, false))),
    plain("prewitt_y", |_| Ok(formulas::difference(1, 1, true))),
    Named {
        name: "laplacian",
        parameters: &[Parameter { key: "diagonal", form: Form::Word(&["true", "false"]), example: None }],
        unnamed: &[],
        make: |given| Ok(formulas::laplacian(given.is("diagonal", "true"))),
    },
    Named {
        name: "log",
        parameters: &[SIGMA, RADIUS_OF_CHANGE],
        unnamed: &[],
        make: |given| Ok(formulas::log(given.wanted("sigma")?, radius(given, 1.0)?)),
    },
    Named { name: "mean", parameters: SIDES, unnamed: UNNAMED_SIDES, make: mean },
    Named { name: "box", parameters: SIDES, unnamed: UNNAMED_SIDES, make: mean },
    Named {
        name: "gabor",
        parameters: &[
            SIGMA,
            Parameter { key: "theta", form: ANGLE, example: Some("0.0") },
            Parameter {
                key: "wavelength",
                form: Form::Number { least: 1.0, most: 1e6 },
                example: Some("6.0"),
            },
            number("psi", ANGLE),
            number("gamma", Form::Number { least: 0.01, most: 100.0 }),
            RADIUS,
        ],
        unnamed: &[],
        make: gabor,
    },
    Named {
        name: "sharpen",
        parameters: &[number("amount", Form::Number { least: -1e6, most: 1e6 })],
        unnamed: &[&["amount"]],
        make: |given| Ok(formulas::sharpen(given.number("amount").unwrap_or(Number::ONE))),
    },
    plain("emboss", |_| Ok(formulas::emboss())),
    Named { name: "identity", parameters: &[side("size")], unnamed: &[&["size"]], make: identity },
];

const SIDES: &[Parameter] = &[side("size"), side("height"), side("width")];
const UNNAMED_SIDES: &[&[&str]] = &[&["size"], &["height", "width"]];

/// The filter that a path and its arguments name.
pub(super) fn filter(
    path: &Path,
    arguments: Option<&Punctuated<Expr, Token![,]>>,
    mistakes: &mut Mistakes,
) -> Option<Filter> {
    let name = path.get_ident().map(|name| {
        let name = name.to_string();
        name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
    });
    let Some(named) = NAMED.iter().find(|named| Some(named.name) == name.as_deref()) else {
        mistakes.push(syn::Error::new_spanned(path, unknown(&written(path))));
        return None;
    };
    let given = arguments::read(path, named.name, named.parameters, named.unnamed, arguments, mistakes)?;
    match (named.make)(&given) {
        Ok(filter) => Some(filter),
        Err(Complaint { key, complaint }) => {
            mistakes.push(given.error(path, key, complaint));
            None
        }
    }
}

/// What is said of a filter that does not exist.
fn unknown(written: &str) -> String {
    let axes: Vec<&str> = NAMED
        .iter()
        .map(|named| named.name)
        .filter(|name| *name == format!("{written}_x") || *name == format!("{written}_y"))
        .collect();
    if let [x, y] = axes[..] {
        return format!("`{written}` wants an axis: write `{x}` or `{y}`");
    }
    let meant = match written {
        "blur" | "gauss" => Some("gaussian"),
        "box_blur" | "average" | "uniform" => Some("mean"),
        "laplace" => Some("laplacian"),
        "laplacian_of_gaussian" => Some("log"),
        _ => NAMED.iter().map(|named| named.name).find(|name| distance(name, written) <= 2),
    };
    if let Some(name) = meant {
        return format!("`{written}` is no filter that the macro can see: did you mean `{name}`?");
    }
    let names: Vec<&str> = NAMED.iter().map(|named| named.name).collect();
    format!(
        "`{written}` is no filter that the macro can see: write its weights, or a named filter: {}",
        names.join(", ")
    )
}

/// The radius that is given, or three deviations.
fn radius(given: &Arguments, stretch: f64) -> Result<usize, Complaint> {
    if let Some(radius) = given.whole("radius") {
        return Ok(radius);
    }
    let wanted = (3.0 * given.wanted("sigma")? * stretch).ceil();
    if wanted <= MOST_RADIUS as f64 {
        return Ok((wanted as usize).max(1));
    }
    let complaint = format!(
        "three deviations are a radius of {wanted} here, beyond {MOST_RADIUS}: write `radius = {MOST_RADIUS}` as well, \
         or a smaller `sigma`"
    );
    Err(Complaint { key: "sigma", complaint })
}

fn mean(given: &Arguments) -> Result<Filter, Complaint> {
    let complain = |key, complaint: &str| Err(Complaint { key, complaint: complaint.to_owned() });
    match (given.whole("size"), given.whole("height"), given.whole("width")) {
        (Some(size), None, None) => Ok(formulas::mean(size, size)),
        (None, Some(height), Some(width)) => Ok(formulas::mean(height, width)),
        (None, None, None) => {
            complain("size", "`size` is missing: write `mean(size = 3)` or `mean(height = 3, width = 5)`")
        }
        (None, Some(_), None) => complain("height", "`width` is missing: write `width = 3` as well"),
        (None, None, Some(_)) => complain("width", "`height` is missing: write `height = 3` as well"),
        (Some(_), ..) => complain("size", "`size` is both sides: leave it out, or `height` and `width`"),
    }
}

fn identity(given: &Arguments) -> Result<Filter, Complaint> {
    let size = given.whole("size").unwrap_or(3);
    if size % 2 == 1 {
        return Ok(formulas::identity(size));
    }
    let complaint =
        format!("a filter of {size} rows has no centre: write an odd size, {} or {}", size - 1, size + 1);
    Err(Complaint { key: "size", complaint })
}

fn derivative(given: &Arguments, down: bool) -> Result<Filter, Complaint> {
    Ok(formulas::gaussian_derivative(given.wanted("sigma")?, radius(given, 1.0)?, down))
}

fn gabor(given: &Arguments) -> Result<Filter, Complaint> {
    let or = |key, default| given.number(key).map_or(default, |number| number.near);
    let gamma = or("gamma", 1.0);
    Ok(formulas::gabor(formulas::Gabor {
        sigma: given.wanted("sigma")?,
        theta: given.wanted("theta")?,
        wavelength: given.wanted("wavelength")?,
        psi: or("psi", 0.0),
        gamma,
        // The envelope is wider across the wave where gamma is below 1.
        radius: radius(given, (1.0 / gamma).max(1.0))?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that describes them.
    const PAGE: &str = include_str!("../../../docs/filters.md");

    #[test]
    fn every_name_and_parameter_is_on_the_page() {
        for named in NAMED {
            let start = format!("`{}", named.name);
            let row = PAGE.lines().find(|line| line.starts_with('|') && line.contains(&start));
            let row = row.unwrap_or_else(|| panic!("{} is not on the page", named.name));
            // What is alike is described once.
            let page = if row.contains("(..)") || named.name == "box" { PAGE } else { row };
            for parameter in named.parameters {
                assert!(page.contains(parameter.key), "{}: {}", named.name, parameter.key);
            }
        }
    }

    #[test]
    fn examples_of_parameters_are_allowed() {
        for named in NAMED {
            let needed = named.parameters.iter().filter_map(|parameter| {
                parameter.example.map(|example| format!("{} = {example}", parameter.key))
            });
            let text = format!("r#{}({})", named.name, needed.collect::<Vec<_>>().join(", "));
            let found = crate::filter::expression(text.parse().unwrap());
            // Only a mean has no size of its own.
            assert_eq!(found.is_ok(), !["mean", "box"].contains(&named.name), "{text}");
        }
    }
}

"""The parts of the kernels that are written by hand: files in `templates/`."""

from importlib.resources import files

from vicollapse.ensemble.polynomials import exp_coefficients, exp_degree, horner


def template(name: str) -> str:
    """Text of a file in `templates/`.

    Parameters
    ----------
    name : of the file.
    """
    return files("vicollapse.ensemble").joinpath("templates", name).read_text()


def runtime(name: str, terms: int) -> str:
    """Elementary functions, an order of magnitude better than the integrals.

    Parameters
    ----------
    name : of the file.
    terms : of the expansion of the integrals.
    """
    return template(name).replace("EXP_POLYNOMIAL", horner(exp_coefficients(exp_degree(terms)), "r"))

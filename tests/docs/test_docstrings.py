"""Docstrings of all public names are complete: numpydoc's checks and three of our own.

``python -m pytest -n 0 tests/docs/test_docstrings.py -k splits`` prints what is wrong in
one room, each line with file, line, name and code.
"""

import ast
import contextlib
import dataclasses
import functools
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import Validator, validate

import braindecode_bolt

from .test_api import LISTED, ROOMS, find

PACKAGE = Path(braindecode_bolt.__file__).parent
#: What numpydoc checks, by its own codes.
CODES = {
    "GL06",  # unknown section
    "GL07",  # sections in the wrong order
    "GL08",  # no docstring
    "SS01",  # no summary
    "SS02",  # summary without a capital letter
    "SS03",  # summary without a full stop
    "SS06",  # summary of more than one line
    "PR01",  # parameters that are not documented
    "PR02",  # unknown parameters
    "PR03",  # parameters in another order than in the signature
    "PR04",  # parameter without a type
    "PR05",  # type that ends in a full stop
    "PR06",  # integer for int and the like
    "PR07",  # parameter without a description
    "PR09",  # description without a full stop
    "PR10",  # no space before the colon
    "RT01",  # returns something, without a Returns section
    "RT03",  # return value without a description
    "RT05",  # description of a return value without a full stop
    "YD01",  # generator without a Yields section
    "SA04",  # See Also without a description
}
#: Methods that users call; others that override a method of another package (hooks of
#: skorch, for instance) may leave its parameters to that package's documentation.
CALLED_BY_USERS = {
    *("fit", "partial_fit", "predict", "forward", "transform", "inverse_transform"),
    *("score", "sample", "split", "get_n_splits", "save_pretrained", "from_pretrained"),
}
#: What such a hook need not have.
LEFT_TO_THE_BASE = {"GL08", "PR01", "RT01", "YD01"}
#: Raised to say that a method has nothing to do here, not about what the caller passed.
NOT_ABOUT_INPUT = {"NotImplementedError", "AssertionError", "StopIteration"}


class Docstring(Validator):
    """numpydoc's checks, with the attributes of data classes as their parameters."""

    def __init__(self, obj_name):
        super().__init__(get_doc_object(obj_name, config={"show_class_members": False}))

    @property
    def is_made_by_the_package(self):
        """Results, which users read: their fields may be listed as attributes."""
        return dataclasses.is_dataclass(self.obj) or (
            inspect.isclass(self.obj) and issubclass(self.obj, tuple)
        )

    @property
    def doc_all_parameters(self):
        sections = ["Parameters", "Other Parameters"]
        if self.is_made_by_the_package:
            sections.append("Attributes")
        documented = self._doc_parameters(sections)
        if self.is_made_by_the_package:
            fields = {name.lstrip("*") for name in self.signature_parameters}
            # Properties are attributes that nobody passes.
            documented = {
                name: each
                for name, each in documented.items()
                if name in fields or not isinstance(getattr(self.obj, name, None), property)
            }
        return documented

    @property
    def signature_parameters(self):
        if inspect.isclass(self.obj) and issubclass(self.obj, BaseException):
            # Its own arguments, if it takes any but the message.
            return super().signature_parameters if "__init__" in vars(self.obj) else ()
        return super().signature_parameters


def is_ours(obj):
    return getattr(obj, "__module__", "").partition(".")[0] == braindecode_bolt.__name__


def plain(member):
    """The function in a class or static method, or behind a decorator."""
    return inspect.unwrap(getattr(member, "__func__", member))


@functools.cache
def public():
    """All public classes and functions, and their methods: name to object."""
    names = {name: find(name) for name in LISTED}
    for room in ROOMS:
        module = importlib.import_module(f"braindecode_bolt.{room}")
        names |= {f"{room}.{name}": getattr(module, name) for name in module.__all__}
    found = {}
    # The name in the reference first, where an object has several.
    for name in sorted(names, key=lambda name: (name not in LISTED, name)):
        obj = names[name]
        if inspect.isfunction(obj):
            found.setdefault(plain(obj), name)
        elif inspect.isclass(obj) and is_ours(obj):
            found.setdefault(obj, name)
            for member, key in methods(obj):
                found.setdefault(member, f"{name}.{key}")
    return {name: obj for obj, name in found.items()}


def methods(cls):
    """Public methods and properties of a class that this package defines."""
    for each in filter(is_ours, cls.__mro__):
        for key, member in vars(each).items():
            is_property = isinstance(member, property)
            member = member if is_property else plain(member)
            if not key.startswith("_") and (
                is_property or (inspect.isfunction(member) and is_ours(member))
            ):
                yield member, key


@functools.cache
def hooks():
    """Methods that override one of another package, which only its code calls."""
    return {
        member
        for cls in filter(inspect.isclass, public().values())
        for member, key in methods(cls)
        if key not in CALLED_BY_USERS
        and any(key in vars(each) for each in cls.__mro__ if not is_ours(each))
    }


def room_of(obj):
    module = obj.fget.__module__ if isinstance(obj, property) else obj.__module__
    return module.split(".")[1]


def sections(obj, *names):
    doc = get_doc_object(obj, config={"show_class_members": False})
    return [entry for name in names for entry in doc[name]]


def function_of(obj):
    """The code that takes the parameters of a documented object, if it is ours."""
    if isinstance(obj, property):
        return obj.fget
    if inspect.isclass(obj):
        written = [obj.__dict__.get(name) for name in ("__post_init__", "__init__")]
        return next(filter(None, written), None)
    return obj


def own_nodes(node):
    """What a function's body holds, without functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from own_nodes(child)


def raised(function):
    """Names of the exceptions that a function raises itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    names = set()
    for node in own_nodes(tree.body[0]):
        if isinstance(node, ast.Raise) and node.exc is not None:
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")
            # A variable holds an exception that came from elsewhere.
            if name[:1].isupper():
                names.add(name)
    return names


def undocumented_errors(obj):
    function = function_of(obj)
    if not inspect.isfunction(function) or function.__code__.co_filename == "<string>":
        return  # a data class makes its own __init__
    said = " ".join(part for each in sections(obj, "Raises") for part in each[:2])
    known = set(re.findall(r"\w+", said))
    for name in sorted(raised(function) - known - NOT_ABOUT_INPUT):
        yield "RS01", f"Raises {name}, which its section Raises doesn't list"


NUMBER = r"-?\d+(?:[,\ ]\d{3})*(?:\.\d+)?(?:e-?\d+)?"
#: "default 8", "Default ``"mean"``", "defaults to None", "Default 10,000", "8 to 13".
DEFAULT = re.compile(
    rf"""\b[Dd]efault(?:s\ to|\ is|:)?\ +`{{0,2}}
    (None|True|False|"[^"]*"|'[^']*'|\([^)]*\)|{NUMBER}(?:\ to\ {NUMBER})?)""",
    re.VERBOSE,
)


def stated_defaults(text):
    """The values that a text calls a default, as far as they are literals."""
    for found in DEFAULT.findall(text):
        value = re.sub(r"(?<=\d)[, ](?=\d{3})", "", found).replace(" to ", ", ")
        with contextlib.suppress(ValueError, SyntaxError):
            yield ast.literal_eval(value)


def default_problems(obj):
    if isinstance(obj, property) or (
        inspect.isclass(obj) and Docstring(obj).is_made_by_the_package
    ):
        return
    try:
        signature = inspect.signature(obj)
    except (TypeError, ValueError):
        return
    for names, kind, description in sections(obj, "Parameters", "Other Parameters"):
        text = " ".join([kind, *description])
        for name in names.split(", "):
            if name not in signature.parameters:
                continue
            actual = signature.parameters[name].default
            stated = list(stated_defaults(text))
            if actual is inspect.Parameter.empty:
                if re.search(r"\bdefault\b|\boptional\b", kind) and name[0] != "*":
                    yield "DF01", f'Parameter "{name}" has no default, but type "{kind}"'
            elif actual is None:
                if not re.search(r"\bNone\b|\boptional\b|\b[Dd]efault", text):
                    yield "DF02", f'Parameter "{name}" is optional, which is not said'
                elif stated and "None" not in text:
                    yield "DF03", f'Parameter "{name}": default {stated}, in code None'
            elif not re.search(r"\b[Dd]efault", text):
                yield "DF02", f'Parameter "{name}": the default {actual!r} is not stated'
            elif stated and actual not in stated and not inspect.isclass(actual):
                yield "DF03", f'Parameter "{name}": default {stated}, in code {actual!r}'


def is_in_reference(path):
    """Whether a name is in the reference, or a method of a class in it."""
    parent, _, member = path.rpartition(".")
    return path in LISTED or (parent in LISTED and hasattr(find(parent), member))


def lost_links(name, obj):
    """References of See Also that Sphinx can't resolve to a page of the reference."""
    within = name.split(".") if inspect.isclass(obj) else name.split(".")[:-1]
    # Names are looked for in the class, if there is one, then in its module.
    places = [within] + ([within[:-1]] if within and within[-1][0].isupper() else [])
    for functions, _ in sections(obj, "See Also"):
        for function, _ in functions:
            package, _, rest = function.partition(".")
            if package == braindecode_bolt.__name__:
                paths = [rest]
            elif rest and package in sys.modules:
                continue
            else:
                paths = [".".join([*place, function]) for place in places]
            if not any(map(is_in_reference, paths)):
                yield "SA05", f"See Also: {function} has no page as {' or '.join(paths)}"


def problems(name, obj):
    """Everything wrong with one docstring: (where, name, code, message)."""
    docstring = Docstring(obj)
    checked = CODES - LEFT_TO_THE_BASE if obj in hooks() else CODES
    errors = [each for each in validate(obj, Docstring)["errors"] if each[0] in checked]
    if docstring.raw_doc:
        errors += [*undocumented_errors(obj), *default_problems(obj)]
        errors += lost_links(name, obj)
    where = docstring.source_file_name or "?"
    if where.startswith(str(PACKAGE.parent)):
        where = Path(where).relative_to(PACKAGE.parent)
    line = docstring.source_file_def_line
    return [f"{where}:{line}: {name}: {code} {message}" for code, message in errors]


class Wrong:
    """Every kind of mistake that is looked for, in methods"""

    def undocumented(self, first):
        return first

    def parameters(self, first, second, third=3, fourth=None, sixth=6):
        """Take parameters.

        Parameters
        ----------
        second
            A number.
        first : integer
            Without a full stop
        fifth : float
            Unknown. Default 4.
        third : int
            Default 4.
        fourth : int
            A number.
        """

    def results(self):
        """Return something."""
        return 3

    def errors(self, number):
        """Raise an error.

        Examples
        --------
        None.

        See Also
        --------
        prepare_nothing : Does not exist.

        Parameters
        ----------
        number : int, default 3

        Raises
        ------
        TypeError
            If it isn't a number.
        """
        if number:
            raise ValueError(number)

    def right(self, number, band=(8.0, 13.0), name="a", n_draws=10000):
        """Do as one should.

        Parameters
        ----------
        number : int
            A number.
        band : tuple of float
            Default 8 to 13 Hz.
        name : str, default ``"a"``
            A name.
        n_draws : int
            Default 10,000.

        Returns
        -------
        float
            The number again.

        Raises
        ------
        ValueError
            If there is none.
        """
        if number is None:
            raise ValueError("No number.")
        return float(number)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("undocumented", {"GL08"}),
        ("parameters", {"PR01", "PR02", "PR04", "PR06", "PR09", "DF02", "DF03"}),
        ("results", {"RT01"}),
        ("errors", {"GL07", "PR07", "RS01", "DF01", "SA05"}),
        ("right", set()),
    ],
)
def test_the_check_finds_mistakes(name, codes):
    found = problems(name, getattr(Wrong, name))
    assert {each.split(": ")[2][:4] for each in found} == codes, found


def test_the_check_reaches_classes_methods_and_functions():
    names = public()
    assert {"Recording", "BOLDPredictor.predict", "metrics.pearson_r"} <= set(names)
    assert len(problems("Wrong", Wrong)) == 1  # no full stop


@pytest.mark.parametrize("room", ["recording", *ROOMS])
def test_docstrings_are_complete(room):
    ours = {name: obj for name, obj in public().items() if room_of(obj) == room}
    assert ours, f"No public name of {room} was checked."
    wrong = [each for name, obj in ours.items() for each in problems(name, obj)]
    message = f"{len(wrong)} in {len(ours)} names of {room}:\n" + "\n".join(wrong)
    assert not wrong, message

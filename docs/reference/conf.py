"""How Sphinx builds one site of the README, the guides and the reference: `make docs`, then build/docs/index.html."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_gong import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "airflow-provider-gong"
release = __version__
# The sources are those of the whole repository, since guides link to the README and to the example Dags.
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**"]
exclude_patterns = ["docs/images/README.md"]
root_doc = "docs/reference/site"
extensions = ["myst_parser", "sphinx.ext.autodoc"]

html_theme = "alabaster"
html_title = f"airflow-provider-gong {release}"
html_theme_options = {"page_width": "76em", "sidebar_width": "15em", "code_font_size": "0.8em"}
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]

# Links to headings, as they stand on the pages of the repository.
myst_heading_anchors = 4
suppress_warnings = [
    # SQL with templates in it has no colours, and drawings stay text: to draw them needs a script from elsewhere.
    "misc.highlighting_failure",
    # tests/docs/test_links.py checks the links of all pages; folders, which have a page in the repository only, too.
    "myst.xref_missing",
]

# In our docstrings single backticks mean code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
# A constructor has twenty arguments: one on each line.
maximum_signature_line_length = 100
add_module_names = False

# References within the package have to lead somewhere; those to Airflow, requests and others have no pages here.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!airflow_provider_gong\.).*"),
    ("py:class", r"airflow_provider_gong\.exceptions\.ReplyFacts"),
    # What the parts of the client and of the sandbox are made of is not for users.
    ("py:class", r"airflow_provider_gong\.(api\.(?!client|endpoint\.Request)|sandbox\.).*"),
]


def setup(app: Sphinx) -> None:
    """Let Sphinx tell what a function of the API returns to its caller, and begin the site with docs/index.md."""
    app.connect("autodoc-process-signature", _returned)
    app.connect("build-finished", _begin)


def _returned(
    _app: Any, _what: str, _name: str, thing: Any, _options: Any, signature: str, returned: str
) -> Any:
    # The function itself returns what `@endpoint` makes the request of.
    return signature, "~airflow_provider_gong.api.endpoint.Request" if hasattr(
        thing, "endpoint"
    ) else returned


def _begin(app: Sphinx, problem: Exception | None) -> None:
    if problem is None:
        page = Path(app.outdir, "index.html")
        page.write_text('<meta http-equiv="refresh" content="0; url=docs/index.html">\n', encoding="utf-8")

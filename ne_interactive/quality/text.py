"""Text from any object: bounded, always encodable, never markup."""

TEXT_LIMIT = 200


def plain_text(value: object, limit: int = TEXT_LIMIT) -> str:
    """Give `str(value)` cut at `limit` characters; a value that cannot be printed is named by its type.

    Lone surrogates are replaced: they cannot be encoded, and one of them would stop a whole message.
    """
    try:
        text = str(value)
    except Exception:
        text = f"<unprintable {type(value).__name__}>"
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text.encode("utf-8", "replace").decode("utf-8")


def escape_markup(text: str) -> str:
    """Escape what Plotly would read as markup: a handful of HTML tags, entities, and templates %{…}."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%&#123;")


def is_missing(value: object) -> bool:
    """Tell whether a value is None, NaN, or pandas' NA or NaT."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except Exception:
        return type(value).__name__ == "NAType"

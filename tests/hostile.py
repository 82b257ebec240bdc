"""Texts that do harm wherever text is taken for markup, code, a path or a name of the language.

Each that could run sets `window.broken`, or asks for something at ADDRESS, which belongs to nobody.
"""

ADDRESS = "http://192.0.2.1"

TEXTS = [
    "<img src=x onerror=window.broken=1>",
    "<script>window.broken=1</script>",
    "</style></title></textarea><script>window.broken=1</script>",
    "<svg/onload=window.broken=1>",
    "<iframe srcdoc='<script>parent.broken=1</script>'></iframe>",
    "<math><mi//xlink:href='data:x,<script>window.broken=1</script>'>",
    "<style>@import '" + ADDRESS + "/a.css';</style>",
    "<style>*{display:none!important}</style>",
    "<link rel=stylesheet href=" + ADDRESS + "/b.css>",
    "<a href='javascript:window.broken=1'>press me</a>",
    "<b>bold</b><br><i>italic</i>",
    "&lt;img src=x onerror=window.broken=1&gt;",
    "&#60;img src=x onerror=window.broken=1&#62;",
    '" onfocus="window.broken=1" autofocus tabindex=1 x="',
    "' onmouseover='window.broken=1' style='position:fixed;inset:0' x='",
    "red; background: url(" + ADDRESS + "/c.png)",
    "url(" + ADDRESS + "/d.png)",
    "javascript:window.broken=1",
    "data:text/html,<script>window.broken=1</script>",
    "{{constructor.constructor('window.broken=1')()}}",
    "${window.broken=1}",
    "%{customdata} %{x:.2f} %{xother}",
    "$\\href{javascript:window.broken=1}{x}$",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "]]><!--",
    "../../../etc/passwd",
    "C:\\nul\\n\n\r\t\\x00",
    "\x00\x01\x1b[31m",
    "\u2028window.broken=1\u2029",
    "\u202egnp.exe\u202c",
    "\ud800 alone",
    "Z\u0351\u036b\u0343\u036a\u0302" * 40,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 20,
    "x" * 5000,
    "\u200b",
]

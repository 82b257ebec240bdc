"""The page of these tests forbids code from text, workers and other hosts; so all of them hold the view to that."""

import numpy as np

from .host import traits

# In a timer: what a test itself evaluates is allowed to.
EVAL = """() => new Promise((done) => setTimeout(() => {
  try { (0, eval)('1'); done('ran'); } catch (error) { done(error.name); }
}))"""
WORKER = """() => new Promise((done) => {
  document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
  try { new Worker(URL.createObjectURL(new Blob(['1']))); } catch (error) { done(error.name); }
})"""


def test_the_view_draws_where_code_from_text_is_forbidden(host):
    host.show(traits(3, ["a", "b", "c"]))
    host.frame(np.array([[-1, 0], [0, 1], [1, 0]]))
    host.settle(300)
    assert host.inked() > 0
    assert host.page.locator(".ne-root").get_attribute("data-renderer") == "webgl2"


def test_the_page_really_forbids_it(chromium, address):
    page = chromium.new_page()
    page.goto(address)
    assert page.evaluate(EVAL) == "EvalError"
    assert page.evaluate(WORKER) == "worker-src"
    page.close()

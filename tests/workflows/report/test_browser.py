"""The report as people meet it: in a browser, from a file, without a network."""

import io
import re
import shutil
import time

import numpy as np
import pytest

from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--hide-scrollbars",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--window-size=1400,900",
)  # fmt: skip
WIDTHS = {390: 844, 1400: 900, 3840: 2160}
OLD = (232, 161, 58)  # what bonds from the start are drawn with, as report.js has it


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no chromium or no chromedriver; apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    opened = webdriver.Chrome(options=options, service=service.Service(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def address(computed_once, tmp_path_factory):
    root = shutil.copytree(computed_once, tmp_path_factory.mktemp("report") / "p")
    return write_report(Project.open(root))[1].as_uri()


@pytest.fixture
def page(browser, address):
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(address)
    wait(lambda: browser.execute_script(
        "return document.documentElement.dataset.ready"))  # fmt: skip
    return browser


def wait(true, seconds=60.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "the page did not come so far"
        time.sleep(0.05)


def find(page, query):
    return page.find_element("css selector", query)


def pixels(element):
    from PIL import Image

    image = Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB")
    return np.asarray(image, dtype=int)


def near(picture, color, tolerance=60):
    return int((np.abs(picture - color).max(axis=2) < tolerance).sum())


def test_nothing_is_wrong_and_nothing_leaves_the_file(page):
    assert [e["message"] for e in page.get_log("browser")] == []
    events = " ".join(e["message"] for e in page.get_log("performance"))
    asked = re.findall(r'"requestWillBeSent".*?"url":"([^"]*)"', events)
    assert {address.partition(":")[0] for address in asked} <= {"file", "data", "blob"}


def test_the_policy_stops_what_would_leave(page):
    stopped = page.execute_async_script(
        """const done = arguments[0];
        addEventListener("securitypolicyviolation", (e) => done(e.blockedURI));
        new Image().src = "http://127.0.0.1:9/spy.png";
        setTimeout(() => done("nothing stopped it"), 5000);"""
    )
    assert stopped.startswith("http://127.0.0.1:9")


def test_the_viewer_shows_the_atoms_of_each_state(page):
    screen = find(page, ".screen")
    picture = pixels(screen)
    background = picture[3, 3]
    atoms = (np.abs(picture - background).max(axis=2) > 40).mean()
    assert 0.02 < atoms < 0.9
    states = [o.get_attribute("value") for o in page.find_elements(
        "css selector", "select[name=state] option")]  # fmt: skip
    assert states == ["start", "relaxed", "run"]
    page.execute_script(
        """const s = document.querySelector("select[name=state]");
        s.value = "relaxed"; s.dispatchEvent(new Event("change"));"""
    )
    assert "relaxed model" in find(page, ".status").text
    assert (pixels(screen) != picture).any()


def test_phases_have_colors_of_their_own(page):
    before = pixels(find(page, ".screen"))
    page.execute_script(
        """const s = document.querySelector("select[name=paint]");
        s.value = "phase"; s.dispatchEvent(new Event("change"));"""
    )
    assert (np.abs(pixels(find(page, ".screen")) - before).max(axis=2) > 40).sum() > 500
    assert {"Al", "Ag"} <= set(find(page, ".key").text.split())


def test_a_click_on_a_row_of_bonds_shows_them(page):
    row, screen = find(page, "button.pair"), find(page, ".screen")
    stage = find(page, "#stage")
    assert row.get_attribute("aria-pressed") == "true"  # the first is shown at once
    assert int(stage.get_attribute("data-bonds")) > 0
    shown = near(pixels(screen), OLD)
    row.click()
    assert row.get_attribute("aria-pressed") == "false"
    hidden = near(pixels(screen), OLD)
    assert shown > hidden + 50
    row.click()
    assert near(pixels(screen), OLD) > hidden + 50


def test_play_moves_the_atoms_to_the_end(page):
    screen, slider = find(page, ".screen"), find(page, "input[type=range]")
    before = pixels(screen)
    find(page, "button.play").click()
    last = slider.get_attribute("max")
    wait(lambda: slider.get_property("value") == last)
    assert (pixels(screen) != before).sum() > 200
    assert "0.060 ps" in find(page, ".status").text


def test_a_figure_answers_to_pointer_and_keys(page):
    plot = find(page, "figure[data-panels] .plot")
    told = find(page, "figure[data-panels] .told")
    assert not told.is_displayed()
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    page.execute_script(
        """const r = arguments[0].getBoundingClientRect();
        const box = JSON.parse(document.getElementById("panels-1").textContent)[0];
        const b = box.bars.length ? box.bars[0].box : box.box;
        arguments[0].dispatchEvent(new PointerEvent("pointermove", {bubbles: true,
          clientX: r.left + r.width * (b[0] + b[2]) / 2,
          clientY: r.top + r.height * (b[1] + b[3]) / 2}));""",
        plot,
    )
    assert re.search(r"\d", told.text)
    curve = page.find_elements("css selector", "figure[data-panels] .plot")[-1]
    curve.send_keys("\ue014")  # arrow to the right
    assert page.find_elements("css selector", ".layer .rule")


def test_tables_and_figures_can_be_taken_away(page):
    tables = len(page.find_elements("css selector", "table"))
    takes = [b.text for b in page.find_elements("css selector", "button.take")]
    figures = len(page.find_elements("css selector", "figure[data-panels]"))
    assert takes.count("CSV") == tables > 3
    assert takes.count("SVG") == takes.count("PNG") == takes.count("Data") == figures
    saved = page.execute_async_script(
        """const done = arguments[0];
        URL.createObjectURL = (blob) => { blob.text().then(done); return "#"; };
        [...document.querySelectorAll("button.take")].find(
          (b) => b.textContent === "Data").click();"""
    )
    assert "panel,curve,x,y,of" in saved
    assert "EMT" in saved.splitlines()[1]  # where numbers go, what computed them goes


def test_without_webgl_the_models_picture_stands_in_its_place(browser, address):
    made = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {"source": """const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          return kind.includes("webgl") ? null : get.call(this, kind, ...rest); };"""},
    )  # fmt: skip
    try:
        browser.get(address)
        wait(lambda: browser.execute_script(
            "return document.documentElement.dataset.ready"))  # fmt: skip
        assert not find(browser, ".screen").is_displayed()
        assert "no WebGL" in find(browser, ".stage .status").text
        still = find(browser, ".stage img.still")
        assert still.size["width"] > 200
        assert (pixels(still) < 200).any(axis=2).mean() > 0.02
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", made)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("look", ["light", "dark"])
def test_it_fits_every_screen(page, tmp_path, width, look):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": WIDTHS[width], "deviceScaleFactor": 1,
         "mobile": width < 500},
    )  # fmt: skip
    page.execute_script(f"document.documentElement.dataset.look = '{look}'")
    try:
        beyond = page.execute_script(
            "return document.documentElement.scrollWidth - innerWidth"
        )
        page.save_screenshot(str(tmp_path / f"{width}-{look}.png"))  # to be looked at
        assert beyond <= 0
        assert find(page, ".screen").size["width"] > 0.35 * min(width, 900)
        assert contrast(page) >= 4.5
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def contrast(page):
    """Return the lowest contrast of text on its background, as WCAG has it."""
    pairs = page.execute_script(
        """const names = ["--ink/--paper", "--quiet/--paper", "--quiet/--wash",
          "--accent/--paper", "--accent/--wash", "--warn/--warn-wash",
          "--ink/--note-wash", "--quiet/--note-wash"];
        const box = document.createElement("i"); document.body.append(box);
        const rgb = (n) => { box.style.color = `var(${n})`;
          return getComputedStyle(box).color.match(/\\d+/g).slice(0, 3).map(Number); };
        const all = names.map((n) => n.split("/").map(rgb)); box.remove();
        return all;"""
    )
    return min(_contrast(*map(np.array, pair)) for pair in pairs)


def _contrast(one, two):
    def light(color):
        c = color / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((light(one), light(two)))
    return (high + 0.05) / (low + 0.05)


def test_print_has_every_section(page):
    import base64

    made = page.execute_cdp_cmd(
        "Page.printToPDF", {"generateTaggedPDF": True, "generateDocumentOutline": True}
    )
    pdf = base64.b64decode(made["data"])
    count = max(map(int, re.findall(rb"/Count (\d+)", pdf)))
    headings = [h.text for h in page.find_elements("css selector", "section > h2")]
    titles = re.findall(rb"/Title\s*\((.*?)\)", pdf)
    printed = {title.decode("latin-1") for title in titles}
    assert {h for h in headings if h.isascii()} <= printed | {"At a glance"}
    assert count >= 3

"""A real browser for tests: headless Chromium that talks to nobody but the test's own server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from ragsite.paths import PROJECT

SCREENSHOTS = PROJECT / "var" / "screenshots"
DESKTOP = (1280, 900)
PHONE = (360, 740)
WAIT_SECONDS = 20
FLAGS = [
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
]


class Browser:
    """Chromium with what tests of pages keep doing."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(
        self, url: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False, reduced_motion: bool = True
    ) -> None:
        """Load a page at this size in CSS pixels (a window can't be 360 wide: the viewport is emulated)."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=size == PHONE,
        )
        self.cdp(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"},
            ],
        )
        self.driver.get(url)

    def cdp(self, command: str, **parameters: Any) -> Any:
        """Run a command of Chromium's own protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def find(self, selector: str) -> WebElement:
        """Return the first element that matches."""
        return self.driver.find_element("css selector", selector)

    def find_all(self, selector: str) -> list[WebElement]:
        """Return all elements that match."""
        return self.driver.find_elements("css selector", selector)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page and return its result."""
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
        """Return the condition's value as soon as it is true."""
        return WebDriverWait(
            self.driver, seconds, poll_frequency=0.05, ignored_exceptions=[StaleElementReferenceException]
        ).until(lambda _: condition())

    def wait_until_shown(self, selector: str) -> WebElement:
        """Return the element as soon as it is there and visible."""
        found: WebElement = self.wait_for(
            lambda: next((element for element in self.find_all(selector) if element.is_displayed()), None)
        )
        return found

    def complaints(self) -> list[str]:
        """Return what Chromium's console has said since the last call: errors, and violations of the CSP."""
        log: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [f"{entry['level']}: {entry['message']}" for entry in log]

    def fetched(self) -> list[str]:
        """Return the address of everything that the page has loaded or tried to."""
        addresses: list[str] = self.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
        return addresses

    def screenshot(self, name: str, *, whole_page: bool = True) -> Path:
        """Write a picture of the page to var/screenshots, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        if whole_page:
            size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
            viewport = self.run("return [innerWidth, innerHeight]")
            self.cdp(
                "Emulation.setDeviceMetricsOverride",
                width=viewport[0],
                height=max(viewport[1], int(size["height"])),
                deviceScaleFactor=1,
                mobile=False,
            )
            self.driver.save_screenshot(str(path))
            self.cdp(
                "Emulation.setDeviceMetricsOverride",
                width=viewport[0],
                height=viewport[1],
                deviceScaleFactor=1,
                mobile=False,
            )
        else:
            self.driver.save_screenshot(str(path))
        return path


def start_chromium(profile: Path) -> webdriver.Chrome:
    """Return a driver of a fresh Chromium; skips the test, and says how to get one, where there is none."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = binary
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all tests of a process."""
    driver = start_chromium(tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[Browser]:
    """The browser as if nobody had used it."""
    wrapped = Browser(chromium)
    wrapped.complaints()
    yield wrapped
    wrapped.run("try { localStorage.clear() } catch { /* about:blank has none */ }")
    chromium.delete_all_cookies()
    chromium.get("about:blank")

# SPDX-License-Identifier: Apache-2.0
"""Somebody who signs in on the stand-in's pages: by hand, request for request,
or with a real browser."""
import contextlib
import html
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from office365.clients import request
from relay import free_port, wait_until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def field(page, name):
    return html.unescape(
        re.search(rf'name="{name}"[^>]* value="([^"]*)"', page).group(1))


def submit(office, path, **fields):
    return request(office, "POST", path, urllib.parse.urlencode(fields), FORM)


def sign_in(office, address, user=None, password=None, answer="accept"):
    """Do what the pages ask for; where the browser is sent at the end."""
    url = urllib.parse.urlsplit(address)
    page = request(office, "GET", f"{url.path}?{url.query}")
    if page.status == 302:
        return page.headers["Location"]
    text = page.body.decode()
    assert page.status == 200, text
    page = submit(office, "/login", number=field(text, "number"),
                  login=user or field(text, "login"),
                  password=password or office.password)
    text = page.body.decode()
    assert "Permissions requested" in text, text
    page = submit(office, "/consent", number=field(text, "number"),
                  answer=answer)
    assert page.status == 302
    return page.headers["Location"]


def visit(port, path="/", host=None, address="127.0.0.1", method="GET"):
    """One request to the redirect's server: status, headers, page."""
    connection = http.client.HTTPConnection(address, port, timeout=60)
    try:
        connection.request(method, path,
                           headers={"Host": host or f"localhost:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def arrive(address):
    """Open the final address as a browser does; the page it ends with."""
    url = urllib.parse.urlsplit(address)
    status, headers, page = visit(url.port, f"{url.path}?{url.query}")
    assert status == 303, page

    def outcome():
        status, _, page = visit(url.port, headers["Location"])
        assert status == 200
        return "http-equiv" not in page and page
    return wait_until(outcome, "the outcome's page")


class Browser:
    """A headless Chromium, driven by the WebDriver protocol."""

    def __init__(self):
        self._profile = tempfile.mkdtemp(prefix="postoak-browser-")
        self._port = free_port()
        # A group of its own: chromedriver leaves its children behind.
        self._driver = subprocess.Popen(
            ["/usr/bin/chromedriver", f"--port={self._port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": self._profile})
        self._session = ""
        wait_until(self._is_ready, "chromedriver")
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--no-proxy-server",
                     "--no-first-run", f"--user-data-dir={self._profile}"],
            "binary": "/usr/bin/chromium"}
        self._session = "/" + self._call("POST", "/session", capabilities={
            "alwaysMatch": {"acceptInsecureCerts": True,
                            "goog:chromeOptions": options}})["sessionId"]

    def _is_ready(self):
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return self._call("GET", "/status")["ready"]

    def _call(self, method, path, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        if self._session:
            path = "/session" + self._session + path
        question = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", data, method=method,
            headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(question, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, address):
        self._call("POST", "/url", url=address)

    @property
    def address(self):
        return self._call("GET", "/url")

    @property
    def source(self):
        return self._call("GET", "/source")

    @property
    def text(self):
        return self._call("GET", f"{self._element('body')}/text")

    def _element(self, selector):
        element = self._call("POST", "/element", using="css selector",
                             value=selector)
        return "/element/" + next(iter(element.values()))

    @staticmethod
    def _patiently(do, what):
        """An element is not there yet, or has just gone with its page: the
        driver answers 404."""
        def attempt():
            try:
                return do() or True
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
                return False
        return wait_until(attempt, what)

    def type(self, selector, text):
        self._patiently(lambda: self._call(
            "POST", f"{self._element(selector)}/value", text=text), selector)

    def click(self, selector):
        self._patiently(lambda: self._call(
            "POST", f"{self._element(selector)}/click"), selector)

    def wait_text(self, words):
        """The page's text, once the words are in it."""
        def text():
            page = self._patiently(lambda: self.text, "a page")
            return isinstance(page, str) and words in page and page
        return wait_until(text, words)

    def sign_in(self, address, password, answer="accept"):
        """All pages of the stand-in; login_hint has filled in who."""
        self.open(address)
        self.type("#password", password)
        self.click("#next")
        self.click("#" + answer)

    def close(self):
        try:
            if self._session:
                self._call("DELETE", "")
        finally:
            os.killpg(self._driver.pid, signal.SIGKILL)
            self._driver.wait()
            shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

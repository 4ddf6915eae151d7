# SPDX-License-Identifier: Apache-2.0
"""The pages of a sign-in by browser: login, consent, and the way back.

A page belongs to one request to sign in, which is known by a number that the
form carries from page to page.
"""

import html
import re
import secrets
import threading
import urllib.parse

from .aadsts import Refusal

PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/authorize\Z")
LOGIN, CONSENT = "/login", "/consent"
PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>{body}</body></html>
"""
LOGIN_FORM = """<p id="error">{error}</p>
<form method="post" action="/login">
<input type="hidden" name="number" value="{number}">
<input type="email" name="login" id="login" value="{user}">
<input type="password" name="password" id="password">
<button type="submit" id="next">Sign in</button>
</form>"""
CONSENT_FORM = """<p>{user}: this application would like to:</p>
<ul>{scopes}</ul>
<form method="post" action="/consent">
<input type="hidden" name="number" value="{number}">
<button type="submit" name="answer" value="accept" id="accept">Accept</button>
<button type="submit" name="answer" value="cancel" id="cancel">Cancel</button>
</form>"""


class Pages:
    """Requests to sign in that are under way."""

    def __init__(self):
        self._lock = threading.Lock()
        self._requests = {}

    def begin(self, params):
        number = secrets.token_hex(16)
        with self._lock:
            self._requests[number] = dict(params, user="")
        return number

    def find(self, number):
        with self._lock:
            return self._requests.get(number)

    def end(self, number):
        with self._lock:
            self._requests.pop(number, None)


def show(handler, status, title, body):
    handler.plain(status, "text/html; charset=utf-8",
                  PAGE.format(title=html.escape(title), body=body))


def show_refusal(handler, refusal):
    words = refusal.body(handler.server.authority)["error_description"]
    show(handler, 400, "Sorry, but we're having trouble signing you in",
         "<p>%s</p>" % html.escape(words))


def show_login(handler, number, user, error=""):
    show(handler, 200, "Sign in to your account", LOGIN_FORM.format(
        number=number, user=html.escape(user), error=html.escape(error)))


def go_back(handler, params, **answer):
    """To the redirect URI; one without a path gets a slash."""
    uri = params["redirect_uri"]
    if not urllib.parse.urlsplit(uri).path:
        uri += "/"
    if "state" in params:
        answer["state"] = params["state"]
    handler.plain(302, "text/html", "", {
        "Location": uri + "?" + urllib.parse.urlencode(answer)})


def go_back_refused(handler, params, error, code, **more):
    go_back(handler, params, error=error,
            error_description=code.body(
                handler.server.authority)["error_description"], **more)


def get(handler):
    """The authorization endpoint. True if it is that."""
    url = urllib.parse.urlsplit(handler.path)
    match = PATH.match(url.path)
    if not match:
        return False
    params = dict(urllib.parse.parse_qsl(url.query))
    server = handler.server
    try:
        server.entra.authorize(urllib.parse.unquote(match.group(1)), params)
    except Refusal as refusal:
        show_refusal(handler, refusal)
        return True
    error = server.switches.get("authorize_error")
    if error:
        refusal = Refusal(int(error))
        body = refusal.body(server.authority)
        go_back_refused(handler, params, body["error"], refusal)
    else:
        show_login(handler, server.pages.begin(params),
                   params.get("login_hint", ""))
    return True


def post(handler, path, body):
    """A form that was filled in. True if it is one of these pages'."""
    if path not in (LOGIN, CONSENT):
        return False
    form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
    number = form.get("number", "")
    params = handler.server.pages.find(number)
    if params is None:
        show(handler, 400, "This page has expired", "")
    elif path == LOGIN:
        take_login(handler, number, params, form)
    elif params["user"]:
        take_consent(handler, number, params, form)
    else:
        show_login(handler, number, "")
    return True


def take_login(handler, number, params, form):
    user = handler.server.entra.sign_in(
        form.get("login", ""), form.get("password", ""))
    if user is None:
        show_login(handler, number, form.get("login", ""),
                   "Your account or password is incorrect.")
        return
    params["user"] = user.upn
    items = "".join("<li>%s</li>" % html.escape(word)
                    for word in params.get("scope", "").split())
    show(handler, 200, "Permissions requested", CONSENT_FORM.format(
        user=html.escape(user.upn), scopes=items, number=number))


def take_consent(handler, number, params, form):
    server = handler.server
    server.pages.end(number)
    if form.get("answer") != "accept":
        go_back_refused(handler, params, "access_denied", Refusal(65004),
                        error_subcode="cancel")
        return
    try:
        code = server.entra.code(
            params, params["user"], server.switches.get("code_lifetime"))
    except Refusal as refusal:
        go_back_refused(handler, params, refusal.body("")["error"], refusal)
        return
    go_back(handler, params, code=code, session_state=secrets.token_hex(8))

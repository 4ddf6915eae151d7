# SPDX-License-Identifier: Apache-2.0
"""What Entra ID decides about a token request: a token or an error.

No input or output here; `tokenserver` carries the answers.
"""

import datetime
import re
import secrets

from . import assertions, google, signin, tokens
from .aadsts import OUTLOOK_APP, Refusal
from .directory import DELEGATED

OUTLOOK_HOSTS = ("https://outlook.office.com", "https://outlook.office365.com")
RESOURCES = OUTLOOK_HOSTS + ("https://graph.microsoft.com",)
# OpenID Connect's own words, which belong to no resource.
OIDC_SCOPES = ("offline_access", "openid", "profile", "email")
SHARED_TENANTS = ("common", "consumers", "organizations")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = {
    "password": "password", "refresh_token": "refresh_token",
    "client_credentials": "client_credentials",
    "authorization_code": "authorization_code",
    DEVICE_GRANT: "device_code"}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.I)
DOMAIN = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}\Z", re.I)


def split_scope(scope):
    """Return (resource, permissions, words of OpenID Connect)."""
    resources, permissions, words = [], [], []
    for item in scope.split():
        if item in OIDC_SCOPES:
            words.append(item)
            continue
        resource, slash, permission = item.rpartition("/")
        if not slash:
            # A bare permission means Microsoft Graph.
            resource, permission = "https://graph.microsoft.com", item
        # "https://host//.default" names the host with its own slash.
        resource = resource.rstrip("/")
        if resource not in resources:
            resources.append(resource)
        permissions.append(permission)
    if len(resources) > 1:
        raise Refusal(700022, scope=scope)
    if resources and resources[0] not in RESOURCES:
        raise Refusal(500011, resource=resources[0])
    return (resources[0] if resources else None), permissions, words


def required(params, name):
    value = params.get(name, "")
    if not value:
        raise Refusal(900144, parameter=name)
    return value


class Entra:
    """Decides for one tenant."""

    def __init__(self, directory, signer):
        self._directory = directory
        self._signer = signer
        self._assertions = assertions.Checker()
        self.service_accounts = {}
        self.sign_ins = signin.SignIns()

    def answer(self, tenant, params, switches):
        """Return the success body; raises Refusal."""
        if switches["error"]:
            raise Refusal(
                int(switches["error"]), suberror=switches["suberror"],
                claims=switches["claims"], tenant=tenant,
                client_id=params.get("client_id", ""),
                scope=params.get("scope", ""),
                grant=params.get("grant_type", ""),
                issued=stamp(0))
        grant = required(params, "grant_type")
        if grant == google.GRANT:
            return self._service_account(params, switches)
        if grant not in GRANTS:
            raise Refusal(70003, grant=grant)
        self._check_tenant(tenant, grant, params)
        client = self._check_client(params, grant, switches["endpoint"])
        handler = getattr(self, "_grant_" + GRANTS[grant])
        return handler(client, params, switches)

    def _service_account(self, params, switches):
        upn, scopes = google.check(
            self.service_accounts, required(params, "assertion"),
            switches["endpoint"])
        user = self._directory.user(upn)
        if user is None:
            raise google.GoogleRefusal(
                400, "invalid_grant", "Invalid email or User ID")
        answer = self._answer(tokens.user_claims(
            self._directory.tenant, "service", OUTLOOK_HOSTS[0],
            switches["lifetime"], "2", user.upn, DELEGATED), switches)
        answer["scope"] = " ".join(sorted(scopes))
        return answer

    def _check_tenant(self, tenant, grant, params):
        name = tenant.lower()
        if name in SHARED_TENANTS:
            if grant in ("password", "client_credentials") and \
                    name != "organizations":
                raise Refusal(9001023)
            raise Refusal(50194, client_id=params.get("client_id", ""))
        if not GUID.match(name) and not DOMAIN.match(name):
            raise Refusal(900023, tenant=tenant)
        if name != self._directory.tenant and \
                name not in self._directory.domains:
            raise Refusal(90002, tenant=tenant)

    def _check_client(self, params, grant, endpoint):
        client_id = required(params, "client_id")
        client = self._directory.client(client_id)
        if client is None:
            raise Refusal(700016, client_id=client_id)
        secret = params.get("client_secret", "")
        if client.public and grant != "client_credentials":
            if secret or params.get("client_assertion"):
                raise Refusal(700025)
            return client
        if params.get("client_assertion"):
            self._assertions.check(client, params, endpoint)
            return client
        if not secret:
            raise Refusal(7000218)
        if secret not in client.secrets:
            raise Refusal(7000215, client_id=client_id)
        if client.expired:
            raise Refusal(7000222, client_id=client_id)
        return client

    def _grant_password(self, client, params, switches):
        upn = required(params, "username")
        password = required(params, "password")
        scope = required(params, "scope")
        resource, scopes, words = self._delegated(scope)
        user = self._directory.user(upn)
        if user is None:
            raise Refusal(50034, tenant=self._directory.tenant)
        verdict = self._directory.try_password(user, password)
        if verdict == "locked":
            raise Refusal(50053)
        if verdict == "wrong":
            raise Refusal(50126)
        self._check_user(user, client)
        if user.password_expired:
            raise Refusal(50055)
        if user.mfa:
            raise Refusal(50076)
        return self._user_answer(
            client, user, resource, scopes, words, switches)

    def _grant_refresh_token(self, client, params, switches):
        value = required(params, "refresh_token")
        token = self._directory.refresh_token(value)
        if token is None:
            raise Refusal(9002313)
        if token.client_id.lower() != client.client_id.lower():
            raise Refusal(70000, suberror="client_mismatch")
        if token.revoked:
            raise Refusal(50173, issued=stamp(token.issued))
        resource, scopes, words = self._delegated(
            params.get("scope") or token.scope)
        if switches["rotate"]:
            words = words + ["offline_access"]
        else:
            words = [word for word in words if word != "offline_access"]
        user = self._directory.user(token.upn)
        if user is None:
            raise Refusal(50034, tenant=self._directory.tenant)
        self._check_user(user, client)
        answer = self._user_answer(
            client, user, resource, scopes, words, switches)
        if switches["revoke_old"]:
            self._directory.revoke_refresh_tokens(value)
        return answer

    def _grant_client_credentials(self, client, params, switches):
        scope = required(params, "scope")
        if client.public:
            raise Refusal(700025)
        resource, permissions, words = split_scope(scope)
        if words or permissions != [".default"]:
            raise Refusal(70011, scope=scope)
        claims = tokens.app_claims(
            self._directory.tenant, client.client_id, resource,
            switches["lifetime"], "1", client.roles)
        return self._answer(claims, switches)

    def device(self, tenant, params, switches):
        """The device authorization endpoint's answer; raises Refusal."""
        if switches["error"]:
            raise Refusal(int(switches["error"]), tenant=tenant)
        self._check_tenant(tenant, DEVICE_GRANT, params)
        client_id = required(params, "client_id")
        if self._directory.client(client_id) is None:
            raise Refusal(700016, client_id=client_id)
        self._delegated(required(params, "scope"))
        return self.sign_ins.new_device(client_id, params["scope"], switches)

    def _grant_device_code(self, client, params, switches):
        device = self.sign_ins.poll(
            client.client_id, required(params, "device_code"))
        resource, scopes, words = self._delegated(
            switches["grant_scope"] or device.scope)
        return self._user_answer(
            client, self._directory.user(device.upn), resource, scopes, words,
            switches)

    def authorize(self, tenant, params):
        """A request to sign in is sound; raises Refusal if it cannot even be
        answered where it came from."""
        self._check_tenant(tenant, "authorization_code", params)
        client = self._directory.client(required(params, "client_id"))
        if client is None:
            raise Refusal(700016, client_id=params["client_id"])
        if not signin.is_registered(
                params.get("redirect_uri", ""), client.redirect_uris):
            raise Refusal(50011, redirect_uri=params.get("redirect_uri", ""),
                          client_id=client.client_id)
        return client

    def sign_in(self, upn, password):
        """The user of a login page, or None."""
        user = self._directory.user(upn)
        if user is None or \
                self._directory.try_password(user, password) != "ok":
            return None
        return user

    def code(self, params, upn, lifetime):
        """A code for a user who has agreed; raises Refusal."""
        if params.get("response_type") != "code":
            raise Refusal(70005, response_type=params.get("response_type"))
        self._delegated(required(params, "scope"))
        if params.get("code_challenge_method", "S256") != "S256":
            raise Refusal(50147)
        return self.sign_ins.new_code(
            params["client_id"], params["scope"], params["redirect_uri"],
            params.get("code_challenge", ""), upn, lifetime)

    def _grant_authorization_code(self, client, params, switches):
        code = self.sign_ins.redeem(
            client.client_id, required(params, "code"),
            params.get("redirect_uri", ""), params.get("code_verifier", ""))
        resource, scopes, words = self._delegated(
            switches["grant_scope"] or code.scope)
        return self._user_answer(
            client, self._directory.user(code.upn), resource, scopes, words,
            switches)

    @staticmethod
    def _check_user(user, client):
        if user.disabled:
            raise Refusal(50057)
        if not user.consented:
            raise Refusal(65001, client_id=client.client_id)

    @staticmethod
    def _delegated(scope):
        resource, permissions, words = split_scope(scope)
        if resource is None:
            raise Refusal(70011, scope=scope)
        if permissions == [".default"]:
            return resource, list(DELEGATED), words
        known = DELEGATED + ("User.Read", "Mail.Send")
        for permission in permissions:
            if permission not in known:
                raise Refusal(70011, scope=scope)
        return resource, permissions, words

    def _user_answer(self, client, user, resource, scopes, words, switches):
        claims = tokens.user_claims(
            self._directory.tenant, client.client_id, resource,
            switches["lifetime"], "0" if client.public else "1", user.upn,
            scopes)
        claims["ipaddr"] = switches["ipaddr"]
        answer = self._answer(claims, switches)
        full = ["%s/%s" % (resource, name) for name in scopes]
        answer["scope"] = " ".join(full)
        if "offline_access" in words:
            answer["refresh_token"] = self._directory.issue_refresh_token(
                user.upn, client.client_id, answer["scope"])
        if "openid" in words:
            answer["id_token"] = self._signer.sign({
                "aud": client.client_id, "iss": claims["iss"],
                "iat": claims["iat"], "exp": claims["exp"],
                "oid": claims["oid"], "sub": claims["sub"],
                "preferred_username": user.upn,
                "tid": self._directory.tenant, "ver": "2.0",
                "nonce": secrets.token_urlsafe(8)})
        return answer

    def _answer(self, claims, switches):
        lifetime = int(switches["lifetime"])
        if switches["string_numbers"]:
            lifetime = str(lifetime)
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._signer.sign(
                tokens.padded(claims, switches["token_bytes"])),
        }


def stamp(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


AUDIENCES = OUTLOOK_HOSTS + (OUTLOOK_APP,)

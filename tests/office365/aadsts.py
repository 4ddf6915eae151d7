# SPDX-License-Identifier: Apache-2.0
"""Error answers in Entra ID's words.

Number -> HTTP status, `error`, the sentence, `suberror`. The sentences are
formatted with what the request was about. A number that is not listed can
still be asked for; it is then an `invalid_grant` with a plain sentence.
"""

import datetime
import uuid

OUTLOOK_APP = "00000002-0000-0ff1-ce00-000000000000"

ERRORS = {
    50011: (400, "invalid_request",
            "The redirect URI '{redirect_uri}' specified in the request does"
            " not match the redirect URIs configured for the application"
            " '{client_id}'.", None),
    50012: (401, "invalid_client",
            "Authentication failed: the client assertion is not valid.",
            None),
    50034: (400, "invalid_grant",
            "The user account {{EUII Hidden}} does not exist in the {tenant}"
            " directory. To sign into this application, the account must be"
            " added to the directory.", None),
    50053: (400, "invalid_grant",
            "The account is locked, you've tried to sign in too many times"
            " with an incorrect user ID or password.", None),
    50055: (400, "invalid_grant", "The password is expired.",
            "user_password_expired"),
    50057: (400, "invalid_grant", "The user account is disabled.", None),
    50076: (400, "invalid_grant",
            "Due to a configuration change made by your administrator, or"
            " because you moved to a new location, you must use multi-factor"
            " authentication to access '" + OUTLOOK_APP + "'.",
            "basic_action"),
    50079: (400, "invalid_grant",
            "Due to a configuration change made by your administrator, or"
            " because you moved to a new location, you must enroll in"
            " multi-factor authentication to access '" + OUTLOOK_APP + "'.",
            "basic_action"),
    50126: (400, "invalid_grant",
            "Error validating credentials due to invalid username or"
            " password.", None),
    50173: (400, "invalid_grant",
            "The provided grant has expired due to it being revoked, a fresh"
            " auth token is needed. The user might have changed or reset"
            " their password. The grant was issued on '{issued}' and the"
            " TokensValidFrom date (before which tokens are not valid) for"
            " this user is '{now}'.", "bad_token"),
    50194: (400, "invalid_request",
            "Application '{client_id}'(Contoso relay) is not configured as a"
            " multi-tenant application. Usage of the /common endpoint is not"
            " supported for such apps created after '10/15/2018'. Use a"
            " tenant-specific endpoint or configure the application to be"
            " multi-tenant.", None),
    500112: (400, "invalid_grant",
             "The reply address '{redirect_uri}' does not match the reply"
             " address '{first}' provided when requesting Authorization"
             " code.", None),
    501481: (400, "invalid_grant",
             "The Code_Verifier does not match the code_challenge supplied"
             " in the authorization request.", None),
    53003: (400, "invalid_grant",
            "Access has been blocked by Conditional Access policies. The"
            " access policy does not allow token issuance.", "message_only"),
    65001: (400, "invalid_grant",
            "The user or administrator has not consented to use the"
            " application with ID '{client_id}' named 'Contoso relay'. Send"
            " an interactive authorization request for this user and"
            " resource.", "consent_required"),
    54005: (400, "invalid_grant",
            "OAuth2 Authorization code was already redeemed, please retry"
            " with a new valid code or use an existing refresh token.", None),
    65004: (400, "access_denied",
            "User declined to consent to access the app.", None),
    70000: (400, "invalid_grant",
            "Provided grant is invalid or malformed.", None),
    70005: (400, "unsupported_response_type",
            "The response_type '{response_type}' is not supported for the"
            " application.", None),
    70008: (400, "invalid_grant",
            "The provided authorization code or refresh token has expired"
            " due to inactivity. Send a new interactive authorization"
            " request for this user and resource.", None),
    70016: (400, "authorization_pending",
            "OAuth 2.0 device flow error. Authorization is pending. Continue"
            " polling.", None),
    700169: (400, "slow_down",
             "OAuth 2.0 device flow error. Polling too fast.", None),
    70017: (400, "authorization_declined",
            "OAuth 2.0 device flow error. The user declined.", None),
    70018: (400, "bad_verification_code",
            "Invalid verification code: the device_code is not known.", None),
    70020: (400, "expired_token",
            "OAuth 2.0 device flow error. The device_code has expired.", None),
    70003: (400, "unsupported_grant_type",
            "The app requested an unsupported grant type '{grant}'.", None),
    70011: (400, "invalid_scope",
            "The provided request must include a 'scope' input parameter."
            " The provided value for the input parameter 'scope' is not"
            " valid. The scope {scope} is not valid.", None),
    70043: (400, "invalid_grant",
            "The refresh token has expired or is invalid due to sign-in"
            " frequency checks by conditional access.", "bad_token"),
    90002: (400, "invalid_request",
            "Tenant '{tenant}' not found. Check to make sure you have the"
            " correct tenant ID and are signing into the correct cloud."
            " Check with your subscription administrator, this may happen if"
            " there are no active subscriptions for the tenant.", None),
    90006: (503, "temporarily_unavailable",
            "The service is temporarily unavailable. Please retry later.",
            None),
    90033: (503, "temporarily_unavailable",
            "A transient error has occurred. Please try again.", None),
    90055: (429, "temporarily_unavailable",
            "The tenant has exceeded the limit of requests. Please retry"
            " later.", None),
    500011: (400, "invalid_resource",
             "The resource principal named {resource} was not found in the"
             " tenant named Contoso. This can happen if the application has"
             " not been installed by the administrator of the tenant or"
             " consented to by any user in the tenant.", None),
    700016: (400, "unauthorized_client",
             "Application with identifier '{client_id}' was not found in the"
             " directory 'Contoso'. This can happen if the application has"
             " not been installed by the administrator of the tenant or"
             " consented to by any user in the tenant. You may have sent"
             " your authentication request to the wrong tenant.", None),
    70021: (400, "invalid_request",
            "No matching federated identity record found for presented"
            " assertion.", None),
    700022: (400, "invalid_scope",
             "The provided value for the input parameter 'scope' is not"
             " valid because it contains more than one resource. Scope"
             " {scope} is not valid.", None),
    700024: (401, "invalid_client",
             "Client assertion is not within its valid time range.", None),
    700025: (401, "invalid_client",
             "Client is public so neither 'client_assertion' nor"
             " 'client_secret' should be presented.", None),
    700027: (401, "invalid_client",
             "The certificate with identifier used to sign the client"
             " assertion is not registered on application.", None),
    700211: (400, "invalid_request",
             "No matching federated identity record found for presented"
             " assertion issuer.", None),
    700212: (400, "invalid_request",
             "No matching federated identity record found for presented"
             " assertion audience.", None),
    700213: (400, "invalid_request",
             "No matching federated identity record found for presented"
             " assertion subject.", None),
    700082: (400, "invalid_grant",
             "The refresh token has expired due to inactivity. The token was"
             " issued on {issued} and was inactive for 90.00:00:00.", None),
    900023: (400, "invalid_request",
             "Specified tenant identifier '{tenant}' is neither a valid DNS"
             " name, nor a valid external domain.", None),
    900144: (400, "invalid_request",
             "The request body must contain the following parameter:"
             " '{parameter}'.", None),
    900561: (400, "invalid_request",
             "The endpoint only accepts POST requests. Received a {method}"
             " request.", None),
    7000215: (401, "invalid_client",
              "Invalid client secret provided. Ensure the secret being sent"
              " in the request is the client secret value, not the client"
              " secret ID, for a secret added to app '{client_id}'.", None),
    7000218: (401, "invalid_client",
              "The request body must contain the following parameter:"
              " 'client_assertion' or 'client_secret'.", None),
    7000222: (401, "invalid_client",
              "The provided client secret keys for app '{client_id}' are"
              " expired. Visit the Azure portal to create new keys for your"
              " app: https://aka.ms/NewClientSecret, or consider using"
              " certificate credentials for added security:"
              " https://aka.ms/certCreds.", None),
    9001023: (400, "invalid_request",
              "The grant type is not supported over the /common or"
              " /consumers endpoints. Please use the /organizations or"
              " tenant-specific endpoint.", None),
    9002313: (400, "invalid_grant",
              "Invalid request. Request is malformed or invalid.", None),
}
UNLISTED = (400, "invalid_grant", "An error the stand-in was told to give.",
            None)


class Blank(dict):
    """Formatting words; one that the request did not have stays empty."""

    def __missing__(self, key):
        return ""


class Refusal(Exception):
    """An answer of the token endpoint that is an error."""

    def __init__(self, code, **words):
        super().__init__("AADSTS%d" % code)
        self.code = code
        self.words = words
        self.status = ERRORS.get(code, UNLISTED)[0]

    def body(self, authority, correlation_id=None):
        """The JSON object, with fresh trace identifiers."""
        _, error, sentence, suberror = ERRORS.get(self.code, UNLISTED)
        now = datetime.datetime.now(datetime.timezone.utc)
        words = Blank(now=now.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"))
        words.update(self.words)
        stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
        trace = str(uuid.uuid4())
        correlation = correlation_id or str(uuid.uuid4())
        body = {
            "error": error,
            "error_description":
                "AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s"
                % (self.code, sentence.format_map(words), trace,
                   correlation, stamp),
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": "%s/error?code=%d" % (authority, self.code),
        }
        suberror = self.words.get("suberror") or suberror
        if suberror:
            body["suberror"] = suberror
        if self.words.get("claims"):
            body["claims"] = self.words["claims"]
        return body

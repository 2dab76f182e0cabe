"""What Airflow discovers about this provider, in one place.

Every process that imports Airflow calls this: only the standard library may be imported here.
"""

from typing import Any

# The Test button of Airflow 3.3 answers "Bad Request", and nothing else, for a connection that was stored without a
# port. A form can set no default for it, nor show help below it: the label and the empty field have to tell.
PORT = "Port (enter 443)"
PORT_HINT = "443; when empty, Test says Bad Request"


def get_provider_info() -> dict[str, Any]:
    """Describe the provider to Airflow."""
    return {
        "package-name": "airflow-provider-gong",
        "name": "Gong",
        "description": "Recorded sales conversations of `Gong <https://www.gong.io>`__.",
        "integrations": [
            {
                "integration-name": "Gong",
                "external-doc-url": "https://help.gong.io/apidocs/introduction-2",
                "tags": ["service"],
            }
        ],
        "operators": [
            _modules(
                "operators",
                *("calls", "check_export", "conversations", "engagement", "export_transcripts", "exports"),
                *("library", "logs", "meetings", "privacy", "request", "transcripts", "users", "workspaces"),
            )
        ],
        "sensors": [_modules("sensors", "calls", "logs", "privacy", "transcripts", "users")],
        "triggers": [_modules("triggers", "calls", "new_calls")],
        "extra-links": [
            "airflow_provider_gong.operators.links.GongCallLink",
            "airflow_provider_gong.operators.links.GongMeetingLink",
            "airflow_provider_gong.operators.links.GongCompanyLink",
        ],
        "hooks": [{"integration-name": "Gong", "python-modules": ["airflow_provider_gong.hooks.gong"]}],
        "connection-types": [_connection_type(), _oauth_connection_type(), _webhook_connection_type()],
        "cli": ["airflow_provider_gong.cli.get_cli_commands"],
        "config": {"gong": {"description": "Options of the Gong provider.", "options": _options()}},
    }


def _modules(package: str, *names: str) -> dict[str, Any]:
    modules = [f"airflow_provider_gong.{package}.{name}" for name in names]
    return {"integration-name": "Gong", "python-modules": modules}


def _connection_type() -> dict[str, Any]:
    return {
        "connection-type": "gong",
        "hook-class-name": "airflow_provider_gong.hooks.gong.GongHook",
        "hook-name": "Gong",
        "ui-field-behaviour": {
            "hidden-fields": ["schema"],
            "relabeling": {
                "host": "Base URL",
                "login": "Access Key",
                "password": "Access Key Secret",
                "port": PORT,
            },
            "placeholders": {"host": "https://us-12345.api.gong.io", "port": PORT_HINT},
        },
        "conn-fields": _conn_fields(),
    }


def _oauth_connection_type() -> dict[str, Any]:
    return {
        "connection-type": "gong_oauth",
        "hook-class-name": "airflow_provider_gong.hooks.gong.GongOAuthHook",
        "hook-name": "Gong OAuth 2.0",
        "ui-field-behaviour": {
            "hidden-fields": ["schema"],
            "relabeling": {"host": "Sign-in URL", "login": "API Key", "password": "API Secret", "port": PORT},
            "placeholders": {"host": "https://app.gong.io", "port": PORT_HINT},
        },
        "conn-fields": _oauth_fields() | _conn_fields() | _oauth_wording(),
    }


def _oauth_fields() -> dict[str, Any]:
    return {
        "scopes": _field(
            "Scopes",
            "What consent is asked for, separated by spaces; the app in Gong needs the same. "
            "After a change, connect again: Admin > Gong connections.",
            "string",
            default="api:calls:create api:calls:read:basic",
        ),
        "refresh_token": _field(
            "Refresh token",
            "Only when the app was connected elsewhere. Empty: the page Admin > Gong connections, or the command "
            "`airflow gong connect`, fetches the tokens. "
            "It is spent at the first use; what follows it is stored in Variables.",
            "string",
            format="password",
        ),
    }


def _oauth_wording() -> dict[str, Any]:
    return {
        "allowed_hosts": _field(
            "Allowed hosts",
            "Hosts besides *.gong.io that Sign-in URL and Gong's tokens may name, separated by commas; an origin such "
            "as http://sandbox:8080 allows plain http. Example: 127.0.0.1, localhost. Leave it empty to reach Gong "
            "only.",
            "string",
        ),
        "quota_group": _field(
            "Quota group",
            "Connections with the same group share one quota. Example: acme. "
            "Default: those of the same app and company.",
            "string",
        ),
        "redis_conn_id": _field(
            "Redis connection",
            "Airflow connection of a Redis in which several machines count their requests and take turns to refresh "
            "the tokens. Example: redis_default. Needed as soon as tasks run on more than one machine, or in "
            "containers that share no quota directory: else tokens get lost. Needs the extra [redis] of this package.",
            "string",
        ),
    }


def _webhook_connection_type() -> dict[str, Any]:
    keys = _field(
        "Public keys",
        'What Gong shows at "Show public key", as it stands or as PEM; several keys are separated by empty lines. '
        "Deliveries then need a signature.",
        "string",
        format="multiline",
    )
    return {
        "connection-type": "gongwebhook",
        "hook-class-name": "airflow_provider_gong.plugins.webhooks.hook.GongWebhookHook",
        "hook-name": "Gong Webhook",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "login"],
            "relabeling": {"host": "Public URL", "password": "URL key", "port": PORT},
            "placeholders": {
                "host": "https://airflow.example.com/gong/webhooks/new_calls",
                "port": PORT_HINT,
            },
        },
        "conn-fields": {"public_keys": keys},
    }


def _conn_fields() -> dict[str, Any]:
    return {
        "allowed_hosts": _field(
            "Allowed hosts",
            "Hosts besides *.gong.io that Base URL may name, separated by commas; an origin such as "
            "http://sandbox:8080 allows plain http. Example: 127.0.0.1, http://sandbox:8080. "
            "Leave it empty to reach Gong only.",
            "string",
        ),
        "requests_per_second": _field(
            "Requests per second",
            "Gong's limit for the whole company.",
            "integer",
            default=3,
            minimum=1,
            maximum=1000,
        ),
        "requests_per_day": _field(
            "Requests per day",
            "Gong's limit for the whole company.",
            "integer",
            default=10_000,
            minimum=1,
            maximum=10_000_000,
        ),
        "daily_share": _field(
            "Share of the day (%)",
            "Part of the daily limit that Airflow may use; the rest is left to other tools of the company.",
            "number",
            default=80,
            minimum=1,
            maximum=100,
        ),
        "backfill_share": _field(
            "Backfills' share of the day (%)",
            "Part of the daily limit that runs of airflow backfill may use; other runs go on up to the share above.",
            "number",
            default=50,
            minimum=1,
            maximum=100,
        ),
        "quota_group": _field(
            "Quota group",
            "Connections with the same group share one quota. Example: acme. "
            "Default: those with the same Base URL and key.",
            "string",
        ),
        "redis_conn_id": _field(
            "Redis connection",
            "Airflow connection of a Redis in which several machines count their requests together. "
            "Example: redis_default. Leave it empty when all tasks run on one machine, which then counts in a file. "
            "Needs the extra [redis] of this package.",
            "string",
        ),
        "max_wait": _seconds(
            "Longest wait (s)",
            "When Gong or the quota asks for a longer wait, the task gives up its slot.",
            60,
        ),
        "connect_timeout": _seconds("Connect timeout (s)", "How long to wait for a connection.", 10),
        "read_timeout": _seconds("Read timeout (s)", "How long to wait for each part of an answer.", 60),
        "read_only": _field(
            "Read only", "Refuse everything that changes something in Gong.", "boolean", default=False
        ),
    }


def _field(label: str, description: str, kind: str, **schema: Any) -> dict[str, Any]:
    # "null" beside the type is what makes a field optional in the form.
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **schema}}


def _seconds(label: str, description: str, default: int) -> dict[str, Any]:
    return _field(label, description, "number", default=default, minimum=1, maximum=86_400)


def _options() -> dict[str, Any]:
    return {
        "quota_dir": {
            "description": (
                "Directory, on a local disk, of the files in which the processes of this machine count their "
                "requests to Gong. "
                "Empty: a directory of the user below the system's one for temporary files, so that each user "
                "counts apart, unless this names an absolute path of a directory that their group may write to. "
                "Containers share a quota only when they share this directory."
            ),
            "version_added": "1.0.0",
            "type": "string",
            "example": "/var/lib/airflow/gong-quota",
            "default": "",
        },
        "oauth_redirect_uri": {
            "description": (
                "Where Gong sends the browser after consent to an OAuth connection: one of the redirect URIs that the "
                "app has in Gong. https, unless it is this machine. For the page Admin > Gong connections: Airflow's "
                "own address with /gong/oauth/callback behind it. Empty: the page tells what to set, and the command "
                "`airflow gong connect` asks for it."
            ),
            "version_added": "1.0.0",
            "type": "string",
            "example": "https://airflow.example.com/gong/oauth/callback",
            "default": "",
        },
        "oauth_page": {
            "description": (
                "Whether the API server has the page Admin > Gong connections (/gong/oauth/), on which those who may "
                "edit connections connect those of type gong_oauth to Gong. The command `airflow gong connect` does "
                "without it."
            ),
            "version_added": "1.0.0",
            "type": "boolean",
            "example": None,
            "default": "True",
        },
        "webhook_rules": {
            "description": (
                "Which of Gong's automation rules the API server receives at /gong/webhooks/{rule}, as one JSON "
                "object: names of rules, each with dag_id (a run of this Dag for each call), asset (true: an event "
                "on the asset gong://rules/{rule}; the default without dag_id), conn_id (an Airflow connection of "
                "type gongwebhook; default: gong_webhook_{rule}), payload (ids, summary or full: what runs and "
                "events get to know; default: ids), tests (mark or ignore; default: mark) and replay_window "
                "(seconds in which a call makes no second event; default: 86400). Empty: no webhook is received."
            ),
            "version_added": "1.0.0",
            "type": "string",
            "example": '{"new_calls": {"dag_id": "gong_call_webhook"}}',
            "default": "",
        },
    }

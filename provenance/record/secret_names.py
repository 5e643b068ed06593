"""Which names announce a secret, and which values are worth hiding under them. Data first; pure.

A name is cut into words at everything that is no letter or digit and at camel humps: `openaiApiKey` is openai, api,
key. Strong names (`api_key`, `client_secret`, `password`) hide any text. Weak names (`token`, `some_key`) hide only
text that looks random. A name that ends in what a secret *has* (`api_key_env`, `token_count`) hides nothing.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise


class Strength(IntEnum):
    """How much a name says about its value."""

    NONE = 0
    WEAK = 1
    STRONG = 2


# fmt: off
_ALONE = frozenset({
    "accesskey", "accesstoken", "apikey", "apikeys", "apisecret", "apitoken", "authkey", "authorization",
    "authtoken", "bearer", "bearertoken", "clientsecret", "cookie", "cookies", "credential", "credentials", "jwt",
    "oauthtoken", "passcode", "passphrase", "passwd", "password", "passwords", "privatekey", "pwd", "secret",
    "secretkey", "secrets", "sessioncookie", "sessiontoken", "userpass",
})
_OWNERS = frozenset({
    "access", "account", "admin", "airtable", "alibaba", "aliyun", "anthropic", "api", "app", "auth",
    "authentication", "aws", "azure", "bearer", "bfl", "bot", "civitai", "claude", "client", "cloudflare", "comfy",
    "comfyui", "consumer", "csrf", "dashscope", "deepl", "deepseek", "deploy", "discord", "dropbox", "elevenlabs",
    "encrypt", "encryption", "fal", "fireworks", "gemini", "github", "gitlab", "google", "grok", "groq", "hf",
    "hmac", "hub", "huggingface", "id", "ideogram", "jwt", "kling", "licence", "license", "login", "luma", "master",
    "meshy", "minimax", "mistral", "moonshot", "notion", "oauth", "openai", "openrouter", "org", "pat", "pem",
    "perplexity", "personal", "pika", "pixverse", "private", "qwen", "recraft", "refresh", "replicate", "rsa",
    "runpod", "runway", "secret", "security", "sendgrid", "server", "service", "session", "shared", "signing",
    "slack", "ssh", "ssl", "stability", "stabilityai", "storage", "stripe", "subscription", "suno", "tavily",
    "telegram", "tencent", "tripo", "twilio", "user", "vidu", "volcengine", "wandb", "webhook", "xai", "xsrf",
    "zhipu",
})
# fmt: on
_HEADS = frozenset({"key", "token", "pat"})  # secret when an owner stands before them
_WEAK_HEADS = frozenset({"key", "token", "auth", "signature", "sig", "pass", "pin", "pat", "session", "sid"})
# fmt: off
_ABOUT = frozenset({
    "algorithm", "attempts", "browser", "count", "counts", "dir", "directory", "domain", "enabled", "env",
    "environment", "expiry", "file", "filename", "folder", "format", "header", "hint", "id", "ids", "index", "kind",
    "label", "length", "limit", "max", "method", "min", "mode", "name", "names", "normalization", "path", "policy",
    "prefix", "provider", "required", "scope", "scopes", "size", "source", "state", "status", "strength", "suffix",
    "type", "types", "uri", "url", "valid", "variable", "version", "visible",
})
# fmt: on
_HAN = re.compile("密码|密钥|口令|令牌|私钥")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
# fmt: off
_TRIVIAL = frozenset({
    "apikey", "auto", "bearer", "default", "disable", "disabled", "enable", "enabled", "env", "environment",
    "false", "inherit", "manual", "never", "none", "null", "optional", "required", "true", "undefined", "unset",
})
# fmt: on
_PLACEHOLDER = re.compile(r"[<{*.]|your|x{3,}|example|placeholder|change_?me|insert", re.IGNORECASE)
_RANDOM = re.compile(r"[A-Za-z0-9_\-+=.:~$!@#%^&]{16,512}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,11}$")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


@lru_cache(maxsize=4096)
def strength(name: str) -> Strength:
    """How strongly a name of an input, widget, property or URL parameter announces a secret."""
    if _HAN.search(name):
        return Strength.STRONG
    words = [word.lower() for word in _WORD.findall(name[:200])]
    if not words or words[-1] in _ABOUT:
        return Strength.NONE
    if any(word in _ALONE for word in words):
        return Strength.STRONG
    if any(head in _HEADS and owner in _OWNERS for owner, head in pairwise(words)):
        return Strength.STRONG
    return Strength.WEAK if words[-1] in _WEAK_HEADS else Strength.NONE


def hides(name: str, value: str) -> bool:
    """Whether the value under this name is a secret. Empty text, placeholders and words like `none` are not."""
    level = strength(name)
    if level is Strength.NONE or not value:
        return False
    return not trivial(value) if level is Strength.STRONG else looks_random(value)


def trivial(value: str) -> bool:
    """Text that stands where a secret would, without being one."""
    stripped = value.strip()
    return not stripped or stripped.lower() in _TRIVIAL


def placeholder(value: str) -> bool:
    """Text that tells a reader to put a secret here, as notes and examples do."""
    return _PLACEHOLDER.match(value) is not None or trivial(value)


def looks_random(value: str) -> bool:
    """16 characters or more without spaces, with letters and at least two digits, and neither path, file nor UUID."""
    if not _RANDOM.fullmatch(value) or _UUID.fullmatch(value) or _FILE.search(value):
        return False
    return sum(map(str.isdigit, value)) >= 2 and any(map(str.isalpha, value))


def feeds_secret(value: str) -> bool:
    """Whether text in a node that feeds a secret input is that secret, rather than a setting or a variable's name."""
    return len(value) >= 6 and not trivial(value) and not _VARIABLE.fullmatch(value)

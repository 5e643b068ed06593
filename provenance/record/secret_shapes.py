"""What secrets look like: one row per shape. To add a shape, add a row.

A row is (hints, pattern). A pattern is only tried on text that holds one of its hints, which is what makes
scanning cheap; hints of patterns that ignore case are lower case. The group `secret` is what is hidden, or else
the whole match. `(?<!...)` guards keep words such as `task-` or `desk-` from looking like `sk-`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .secret_names import Strength, looks_random, placeholder, strength

_B = r"(?<![A-Za-z0-9])"  # nothing alphanumeric before

_PREFIXED: tuple[tuple[str, str], ...] = (  # (literal start, what follows)
    ("sk-ant-", r"[\w-]{16,}"),
    ("sk-proj-", r"[\w-]{16,}"),
    ("sk-or-", r"[\w-]{16,}"),
    ("sk-svcacct-", r"[\w-]{16,}"),
    ("sk-admin-", r"[\w-]{16,}"),
    ("sk-lf-", r"[\w-]{16,}"),
    ("sk-", r"(?:[0-9A-Za-z]+[-_]){0,4}?(?:(?=[A-Za-z]*\d)[0-9A-Za-z]{16,}|[0-9A-Za-z]{20,})[\w-]*"),
    ("sk_", r"[0-9A-Za-z]{24,}"),
    ("sk_live_", r"\w{10,}"),
    ("sk_test_", r"\w{10,}"),
    ("rk_live_", r"\w{10,}"),
    ("rk_test_", r"\w{10,}"),
    ("whsec_", r"[\w+/=]{16,}"),
    ("hf_", r"[0-9A-Za-z]{20,}"),
    ("api_org_", r"[0-9A-Za-z]{20,}"),
    ("ghp_", r"[0-9A-Za-z]{20,}"),
    ("gho_", r"[0-9A-Za-z]{20,}"),
    ("ghu_", r"[0-9A-Za-z]{20,}"),
    ("ghs_", r"[0-9A-Za-z]{20,}"),
    ("ghr_", r"[0-9A-Za-z]{20,}"),
    ("github_pat_", r"\w{20,}"),
    ("glpat-", r"[\w.-]{16,}"),
    ("gldt-", r"[\w-]{16,}"),
    ("glrt-", r"[\w.-]{16,}"),
    ("glptt-", r"[\w-]{16,}"),
    ("glsa_", r"\w{32,}"),
    ("glc_", r"[\w+/=-]{32,}"),
    ("npm_", r"[0-9A-Za-z]{30,}"),
    ("pypi-", r"[\w-]{32,}"),
    ("rubygems_", r"[0-9a-f]{40,}"),
    ("dckr_pat_", r"[\w-]{16,}"),
    ("r8_", r"[0-9A-Za-z]{30,}"),
    ("comfyui-", r"[0-9a-f]{32,}"),
    ("xai-", r"[0-9A-Za-z]{20,}"),
    ("gsk_", r"[0-9A-Za-z]{20,}"),
    ("pplx-", r"[0-9A-Za-z]{20,}"),
    ("nvapi-", r"[\w-]{20,}"),
    ("csk-", r"[0-9a-z]{20,}"),
    ("fw_", r"[0-9A-Za-z]{20,}"),
    ("tgp_v1_", r"[\w-]{20,}"),
    ("esecret_", r"[0-9A-Za-z]{20,}"),
    ("lsv2_", r"(?:pt|sk)_[0-9a-f_]{32,}"),
    ("pcsk_", r"\w{30,}"),
    ("tvly-", r"[\w-]{20,}"),
    ("rpa_", r"[0-9A-Za-z]{30,}"),
    ("AIza", r"[\w-]{30,}"),
    ("ya29.", r"[\w-]{20,}"),
    ("GOCSPX-", r"[\w-]{20,}"),
    ("1//0", r"[\w-]{30,}"),
    ("AKIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("ASIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("ABIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("ACCA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("FwoGZXIvYXdz", r"[\w+/=]{50,}"),
    ("IQoJb3JpZ2lu", r"[\w+/=]{50,}"),
    ("LTAI", r"[0-9A-Za-z]{12,28}(?![0-9A-Za-z])"),
    ("AKID", r"[0-9A-Za-z]{28,36}(?![0-9A-Za-z])"),
    ("AKLT", r"[0-9A-Za-z]{20,}"),
    ("SG.", r"[\w-]{16,}\.[\w-]{16,}"),
    ("key-", r"[0-9a-f]{32}(?![0-9a-f])"),
    ("SK", r"[0-9a-f]{32}(?![0-9a-f])"),
    ("sq0atp-", r"[\w-]{20,}"),
    ("sq0csp-", r"[\w-]{20,}"),
    ("shpat_", r"[0-9a-fA-F]{32}"),
    ("shpss_", r"[0-9a-fA-F]{32}"),
    ("shpca_", r"[0-9a-fA-F]{32}"),
    ("shppa_", r"[0-9a-fA-F]{32}"),
    ("dop_v1_", r"[0-9a-f]{64}"),
    ("doo_v1_", r"[0-9a-f]{64}"),
    ("dor_v1_", r"[0-9a-f]{64}"),
    ("dp.pt.", r"[0-9A-Za-z]{40,}"),
    ("FlyV1 ", r"fm\d_[\w+/=,-]{40,}"),
    ("nfp_", r"[0-9A-Za-z]{30,}"),
    ("hvs.", r"[\w-]{24,}"),
    ("hvb.", r"[\w-]{24,}"),
    ("lin_api_", r"[0-9A-Za-z]{32,}"),
    ("ntn_", r"[0-9A-Za-z]{40,}"),
    ("secret_", r"[0-9A-Za-z]{40,}"),
    ("PMAK-", r"[0-9a-f-]{40,}"),
    ("dapi", r"[0-9a-f]{32}(?![0-9a-f])"),
    ("NRAK-", r"[A-Z0-9]{27}"),
    ("sntrys_", r"[\w+/=]{40,}"),
    ("sntryu_", r"[0-9a-f]{40,}"),
    ("dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    ("ATATT3", r"[\w=-]{40,}"),
    ("ATCTT3", r"[\w=-]{40,}"),
    ("ATBB", r"[0-9A-Za-z]{32}"),
    ("figd_", r"[\w-]{30,}"),
    ("pscale_tkn_", r"[\w.-]{30,}"),
    ("HRKU-", r"[\w-]{30,}"),
    ("sbp_", r"[0-9a-f]{40}"),
    ("sb_secret_", r"[\w-]{20,}"),
    ("tskey-", r"[\w-]{16,}"),
    ("AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}"),
    ("ops_eyJ", r"[\w-]{100,}"),
    ("xoxa-", r"[\w-]{10,}"),
    ("xoxb-", r"[\w-]{10,}"),
    ("xoxc-", r"[\w-]{10,}"),
    ("xoxd-", r"[\w%-]{10,}"),
    ("xoxe", r"[.\w-]{16,}"),
    ("xoxo-", r"[\w-]{10,}"),
    ("xoxp-", r"[\w-]{10,}"),
    ("xoxr-", r"[\w-]{10,}"),
    ("xoxs-", r"[\w-]{10,}"),
    ("xapp-", r"[\w-]{20,}"),
    ("eyJ", r"[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
)

_SHAPED: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    (("Private-Lines:",), r"Private-Lines: *\d+\s+(?P<secret>[\w+/=\s]{20,}?)(?=Private-MAC|\Z)"),
    (("AKIA", "ASIA"), r"A[KS]IA[A-Z0-9]{16}[^A-Za-z0-9/+]{1,20}(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"),
    (("AccountKey=",), r"AccountKey=(?P<secret>[\w+/=]{16,})"),
    (("SharedAccessKey=",), r"SharedAccessKey=(?P<secret>[\w+/=]{16,})"),
    (("hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[\w/-]{8,})"),
    (("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/(?P<secret>\d{5,}/[\w-]{8,})"),
    ((".webhook.office.com/",), r"\.webhook\.office\.com/(?P<secret>[\w/@-]{20,})"),
    (("open.feishu.cn/", "oapi.dingtalk.com/"), r"/open-apis/bot/v\d/hook/(?P<secret>[\w-]{16,})"),
    (("api.telegram.org/bot",), r"api\.telegram\.org/bot(?P<secret>[\w:-]{20,})"),
    ((":",), r"(?<![\w.:-])\d{8,10}:[\w-]{35}(?![\w-])"),
    (("-",), _B + r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32}(?![0-9a-f])"),
    (("-us",), _B + r"[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    (("pat",), _B + r"pat[0-9A-Za-z]{14}\.[0-9a-f]{64}"),
    ((".atlasv1.",), _B + r"[0-9A-Za-z]{14}\.atlasv1\.[\w-]{50,}"),
    (("M", "N", "O"), r"(?<![\w.-])[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,45}(?![\w.-])"),
    ((".",), r"(?<![\w.-])[0-9a-f]{32}\.[0-9A-Za-z]{16}(?![\w.-])"),
    (("_authToken=", "_auth=", "_password="), r"_(?:authToken|auth|password)=(?P<secret>[^\s\"']{6,})"),
    (("@",), r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@?#]{0,200}:(?P<secret>[^\s/@?#]{1,400})@"),
    (("@",), r"[A-Za-z][A-Za-z0-9+.-]{1,20}://(?P<secret>[\w%-]{20,400})@"),
    (("machine",), r"machine\s+\S{1,200}\s+login\s+\S{1,200}\s+password\s+(?P<secret>\S+)"),
)

_SHAPED_ANY_CASE: tuple[tuple[tuple[str, ...], str], ...] = (
    (("bearer",), r"\bbearer\s+(?P<secret>(?=\S*\d|\S{24})[\w.~+/=-]{8,})"),
    (("basic",), r"\bbasic\s+(?P<secret>(?=\S*[\d=])[A-Za-z0-9+/]{12,}={0,2})"),
    (
        ("authorization",),
        r"\bauthorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?P<secret>(?:(?:basic|bearer|token|digest|apikey)\s+)?[^\s\"',;]{6,})",
    ),
    (("cookie:",), r"\b(?:set-)?cookie:[ \t]*(?P<secret>[\w.-]+=[^\r\n\"']{4,})"),
    (("密码", "密钥", "口令", "令牌"), r"(?:密码|密钥|口令|令牌)\s{0,3}[:=：]\s{0,3}(?P<secret>[!-~]{6,})"),
    (
        ("x-api-key", "x-auth-token", "xi-api-key", "ocp-apim"),
        r"\b(?:x-api-key|x-auth-token|xi-api-key|ocp-apim-subscription-key)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?P<secret>[^\s\"',;]{6,})",
    ),
)

# name=value in URLs, and name: value in text that carries settings; the name decides.
_QUERY = re.compile(r"[?&;#](?P<name>[\w.%-]{1,80})=(?P<secret>[^&;#\s\"'<>\\)\]]{6,})")
_SETTING = re.compile(r"(?<![\w?&;#.%-])(?P<name>[A-Za-z][\w.-]{0,60})(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?")
_SET_TO = re.compile(r"[^\s\"'\\,;&<>()\[\]{}]{6,}")
_LONGEST_SEEN_TWICE = 500
_STEMS = ("key", "token", "secret", "pass", "pwd", "auth", "cookie", "credential", "bearer", "jwt", "sig", "sid", "pat")
_PLAIN_WORDS = re.compile(r"secrets?|cookies?|credentials?|authorization|bearer", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Shape:
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    fold: bool
    group: int

    def hinted(self, text: str, folded: str) -> bool:
        held = folded if self.fold else text
        return any(hint in held for hint in self.hints)


def _shape(hints: tuple[str, ...], pattern: str, fold: bool) -> _Shape:
    compiled = re.compile(pattern, re.ASCII | re.IGNORECASE if fold else re.ASCII)
    return _Shape(hints, compiled, fold, compiled.groupindex.get("secret", 0))


_SHAPES: tuple[_Shape, ...] = (
    *(_shape((start,), _B + re.escape(start) + rest, False) for start, rest in _PREFIXED),
    *(_shape(hints, pattern, False) for hints, pattern in _SHAPED),
    *(_shape(hints, pattern, True) for hints, pattern in _SHAPED_ANY_CASE),
)
_SHORTEST = 8  # no secret that shape alone gives away is shorter

Spans = list[tuple[int, int]]


def scan(texts: Iterable[str]) -> dict[str, Spans]:
    """Texts that hold secrets by their shape, each with the places (start, end), possibly overlapping, in no order."""
    long = [text for text in texts if len(text) >= _SHORTEST]
    blob = "\n".join(long)
    folded = blob.lower()
    shapes = [shape for shape in _SHAPES if shape.hinted(blob, folded)]
    named = any(stem in folded for stem in _STEMS)
    found: dict[str, Spans] = {}
    for text in long:
        places = _places(text, shapes, named)
        if places:
            found[text] = places
    return found


def _places(text: str, shapes: Iterable[_Shape], named: bool) -> Spans:
    folded = text.lower()
    places = [
        match.span(shape.group)
        for shape in shapes
        if shape.hinted(text, folded)
        for match in shape.pattern.finditer(text)
    ]
    if named and any(stem in folded for stem in _STEMS):
        if "=" in text:
            places += [match.span("secret") for match in _QUERY.finditer(text) if _in_url(match)]
        if "=" in text or ":" in text:
            places += _settings(text)
    return places


def _settings(text: str) -> Iterator[tuple[int, int]]:
    """Where what a secret's name is set to stands. A value may itself be a name with a value: `note: api_key=x`."""
    start = 0
    while (named := _SETTING.search(text, start)) is not None:
        start = named.end()
        level = strength(named["name"])
        value = None if level is Strength.NONE else _SET_TO.match(text, start)
        if value is None:
            continue
        if _is_secret(named["name"], level, value[0]):
            yield value.span()
            start = value.end()
        elif len(value[0]) > _LONGEST_SEEN_TWICE:  # a text of names and colons alone must not take quadratic time
            start = value.end()


def _in_url(match: re.Match[str]) -> bool:
    name, value = match.group("name", "secret")
    return strength(name) is not Strength.NONE and not placeholder(value)


def _is_secret(name: str, level: Strength, value: str) -> bool:
    if placeholder(value) or value.startswith("//"):
        return False
    if level is Strength.STRONG and not _PLAIN_WORDS.fullmatch(name):
        return True
    return looks_random(value)

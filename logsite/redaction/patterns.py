"""What a credential looks like in device output, configurations and log lines, as data.

How the engine in `redaction.py` reads a rule:

- Every capture group of the expression is a secret; whatever is to stay stands outside the groups.
- A rule runs only where one of its `stems` stands (lower case, no blanks: finding them is what makes the
  whole thing cheap). A line rule never crosses a line: write `[ \\t]`, not `\\s`.
- Linear time is the author's duty: begin with literal text, bound every gap, use possessive quantifiers.
- A type such as the 7 in `password 7 …` is skipped possessively, so that a second pass meets the mark in the
  value's place and never takes the type for the value.
"""

import base64
import json
import re
import shlex
from typing import NamedTuple
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape


class Rule(NamedTuple):
    kind: str
    stems: tuple[str, ...]
    pattern: re.Pattern[str]


class Block(NamedTuple):
    """Lines that hold a secret only between an opening and a closing line."""

    kind: str
    stem: str
    opening: re.Pattern[str]
    closing: re.Pattern[str]
    secret: re.Pattern[str]


GAP = r"[ \t]++"
# Where a command may begin: a line, a prompt, a log message about a command, printed bytes, an escaped line.
LEAD = r"(?:^|[#>$%|+\r]|\bb['\"]|command:|\\[nr])[ \t]*+(?:[-+][ \t]*+)?(?:no[ \t]++|do[ \t]++)?"
TYPE_WORDS = (
    r"1[0-5]|8a|[0-9]|\*|type-?6|type7|unencrypted|encrypted|clear-?text|clear|plain-?text|plain|ascii-text|ascii|"
    r"hexadecimal|hex|irreversible-cipher|reversible|cipher|simple|hash2?|md5|hmac-[\w-]{3,20}|"
    r"sha-?[0-9-]{1,7}|ciphertext|ENC|text|pbkdf2|psk|pass-?phrase|password|value"
)
TYPE = rf"(?:(?:{TYPE_WORDS})[ \t]++(?=\S))*+"
# Not part of a bare value: the escaped end of a line in a repr, and the quote that closes the surrounding text.
ESCAPED = r"""\\(?!\r?$|[nr](?:['"\\\s]|$))[^\s]?"""
BARE = rf"""((?:[^\s\\'"]|{ESCAPED}|['"](?=\S)(?![,;)\]}}]+(?:\s|$)))++)"""
VALUE = rf"""(?:"((?:[^"\\\r\n]|\\[^\r\n])++)"?|'([^'\r\n]++)'|{BARE})"""
# A value after `name=` ends at a separator only where another `name=` follows, so that no tail leaks.
ASSIGNED = (
    r"""(?:\\?(?:[bru]{1,2}(?=["']))?+(?:"((?:[^"\\\r\n]|\\[^"\r\n])++)|'([^'\r\n]++)')|"""
    rf"""(?!"|'')((?:[^\s&;,"'<\\]|["'](?=[^\s,;:)\]}}<>/&|\\])|"""
    rf"""[&;,](?!["'\s]{{0,3}}[\w.-]{{1,40}}["']?[=:])|{ESCAPED})++))"""
)
END = (
    r"(?=[ \t\r;,]*(?:$|[|#])|['\"\\]|"
    r"[ \t]++(?:encrypted|nt-encrypted|pbkdf2|hash2?|privilege|role|level|hidden)\b)"
)

# Words that follow «password», «secret» or «key» in prose, in command help and in harmless commands.
PROSE = (
    r"a|accepted|access|add|again|age|aging|alert|alphabet-checking|also|and|are|as|at|attempts?|auth|"
    r"authentication|based|before|but|by|can|cannot|case|chains?|change-\w+|changed?|changes|characters?|chars|"
    r"check|common|compat|complexity\S*|config|config-key|configuration|configured|control|could|days?|data|db|default|"
    r"chauthtok|delete|digits|disabled?|does|enabled?|encryption\S*|entered|entry|error|exchange|expir\w+|failed|failure|"
    r"false|fields?|files?|for|format|from|given|has|hash|hashes|hashing|have|history\S*|hours?|id|if|in|"
    r"incorrect|invalid|is|key-?chain|length|less|letters|level|local|lockout|login|management|manager|"
    r"match|matches|maximum\S*|may|min-length|minimum\S*|minutes?|mismatch|missing|mode|months?|must|name|"
    r"need\S*|never|new|non-\S+|no|none|not|null|of|off|ok|old|on|only|option|or|pairs?|policy|policies|prompts?|"
    r"protected|protection|quality|recovery|rejected|repetition|requests?|required|requirements?|reset|retry|"
    r"ring|rotated?|rotation|rule|same|seconds?|sent|set|settings?|should|size|strength\S*|store|storage|"
    r"string|successfully|sync|systemd|sss|than|that|the|this|times?|to|too|true|type|types|until|updated?|"
    r"usage|used|users?|uses|using|verification|verified|via|violation|was|weeks?|were|when|which|will|with|"
    r"without|wrong|yes|your"
)
NOT_PROSE = (
    rf"(?!(?:{PROSE})(?:[\s:;,.!?)\]'\"}}]|$))"
    r"(?![{}|=<(\[\])?:;,.*]+(?:[\s'\"]|$))(?!<[\w*-]+>|\$\{[\w:-]+\}|\([^\s)]{1,40}\)|[\w-]{1,30}[ \t]+=[ \t])"
    r"(?!\"?-----BEGIN|/\S+\.(?:key|pem|crt)\b)"
)
IP = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+)(?:[\s/'\"]|$)"
CONFIG_VALUE = rf"{TYPE}{NOT_PROSE}{VALUE}"


def _rule(kind: str, stems: str, expression: str) -> Rule:
    return Rule(kind, tuple(stems.split()), re.compile(expression, re.IGNORECASE | re.MULTILINE | re.ASCII))


def _exact(kind: str, stems: str, expression: str) -> Rule:
    """A rule in which case matters; a literal beginning makes its search over a whole text cheap."""
    return Rule(kind, tuple(stems.split()), re.compile(expression, re.MULTILINE | re.ASCII))


# Keywords that mean a credential in every vendor's language: kind, stems, words.
KEYWORDS = (
    ("psk", "psk share", r"psksecret|(?:wpa2?-)?pre-?shared[-_]?key|pre-shared-secret|shared[-_]?secret|psk"),
    ("passphrase", "passphrase", r"passphrase"),
    ("private-key", "private", r"private[-_]?key"),
    ("password", "passw passcode", r"passw(?:or)?d|passcode|passwort"),
    ("secret", "secret", r"secret(?:[-_]?(?:access[-_]?)?key)?"),
    ("key", "-key _key apikey keystring key-string",
     r"(?:api|auth|access|encryption|account|authentication|server|session|shared|storage|master|client|"
     r"signing|license|tcp-md5|md5|plaintext)[-_]key|apikey|keystring|key-string|static-key-[0-3]"),
    ("token", "token",
     r"(?:access|auth|refresh|api|bearer|id|session|csrf|bot|private|deploy|security|x-auth)[-_]?token"),
)  # fmt: skip


def _keyword_rules(kind: str, stems: str, words: str) -> list[Rule]:
    """The forms a keyword takes: assignment, `set … word VALUE`, XML element, option, `some-word VALUE`."""
    forms = [
        rf"(?:{words})\d?\\?[\"']?[ \t]*+(?:=>|::?|=(?![ \t]++[\w-]{{1,40}}=))[ \t]*+{NOT_PROSE}{ASSIGNED}",
        rf"{LEAD}set{GAP}(?:\S++{GAP}){{0,14}}?[\w-]{{0,40}}?(?:{words})(?:-value)?{GAP}{CONFIG_VALUE}{END}",
        rf"<[\w:.-]{{0,40}}?(?:{words})(?:[ \t][^>\n]{{0,200}}+)?>([^<\n]++)<",
        rf"(?<=--)[a-z-]{{0,20}}?(?:{words}){GAP}(?!-){VALUE}",
    ]
    if kind in ("password", "secret", "passphrase"):
        forms.append(rf"(?<=[a-z0-9][-_])(?:{words}){GAP}(?:{TYPE}(?!{IP})){CONFIG_VALUE}{END}")
    return [_rule(kind, stems, form) for form in forms]


PASSWORD_RULES = (
    _rule("enable-secret", "passw secret",
          rf"\benable{GAP}(?:algorithm-type{GAP}\S++{GAP})?(?:password|secret){GAP}"
          rf"(?:level{GAP}\d++{GAP})?{CONFIG_VALUE}"),
    _rule("bgp-password", "passw", rf"\b(?:neighbor|peer){GAP}\S++{GAP}password{GAP}{CONFIG_VALUE}"),
    _rule("password", "passw secret",
          rf"{LEAD}(?:vpdn{GAP})?(?:username|local-user){GAP}\S++(?:{GAP}\S++){{0,8}}?{GAP}(?:password|secret){GAP}"
          rf"{CONFIG_VALUE}"),
    _rule("password", "passw",
          rf"\buser{GAP}\S++{GAP}(?:group{GAP}\S++{GAP})?password{GAP}{CONFIG_VALUE}"),
    _rule("password", "passw",
          rf"\bsuper{GAP}password{GAP}(?:(?:role|level){GAP}\S++{GAP})?{CONFIG_VALUE}"),
    _rule("password", "passw",
          rf"\bpassword{GAP}manager{GAP}(?:user-name{GAP}\S++{GAP})?(?:plaintext|sha1|sha256){GAP}{VALUE}"),
    _rule("password", "md5-password", rf"\bmd5-password{GAP}(?:cipher|plain){GAP}{IP}[ \t]*+{VALUE}"),
    _rule("password", "-pw", rf"-(?:pw|pwd){GAP}{CONFIG_VALUE}{END}"),
    _rule("password-hash", "passw", rf"\bbkup-passwords{GAP}{VALUE}"),
    _rule("password", "passw secret",
          rf"\b(?:password|passwd|secret){GAP}[0-9]{GAP}(?!(?:to|or|and){GAP}){NOT_PROSE}{VALUE}"),
    _rule("password", "passw secret",
          rf"\b(?:chap|pap|isis|vtp|ftp|client|tunnel|bind|login|console|aggressive-mode|authentication|"
          rf"password-hash|(?:sent-username|local-user){GAP}\S++){GAP}(?:password|secret){GAP}{CONFIG_VALUE}"),
    _rule("passphrase", "pkcs12",
          rf"\bcrypto{GAP}(?:pki|ca){GAP}(?:import|export){GAP}\S++{GAP}pkcs12{GAP}"
          rf"(?:\S++{GAP}password{GAP})?(?!terminal\b|nvram:){VALUE}{END}"),
    _rule("password", "passw", rf"\bmsdp{GAP}password{GAP}peer{GAP}\S++{GAP}{CONFIG_VALUE}"),
    _rule("password", "passw secret",
          rf"{LEAD}(?-i:password|passwd|secret){GAP}{CONFIG_VALUE}"
          rf"{END}"),
    _rule("passphrase", "passphrase", rf"(?:{LEAD}|wpa-|wpa2-)passphrase{GAP}{CONFIG_VALUE}{END}"),
    _rule("password", "pass", rf"[_\"]pass[\"']?[ \t]*+[=:][ \t]*+{NOT_PROSE}{ASSIGNED}"),
    _rule("password", "pwd",
          rf"pwd>([^<\n]++)<|(?<=[a-z_])pwd[\"']?[ \t]*+[=:][ \t]*+(?![/~.]){NOT_PROSE}{ASSIGNED}"),
    _rule("password", "pass",
          rf"\b(?:sshpass{GAP}-p[ \t]*+|(?:requirepass|auth_pass){GAP}){VALUE}"),
    _rule("password", "masterauth", rf"\bmasterauth{GAP}{VALUE}"),
    _rule("password", "curl",
          rf"\bcurl\b[^\n]{{0,120}}?{GAP}(?:-u|--user){GAP}['\"]?[^\s:'\"]++:([^\s'\"]++)"),
    _rule("password-hash", ":::", r"^[\w.-]{1,32}+:([./0-9A-Za-z]{13}):\d*+:\d*+:\d*+:\d*+:::"),
    _rule("password-hash", "{s {crypt", r"\{(?:s?sha(?:256|512)?|smd5|crypt)\}([^\s\"',]++)"),
    _rule("password-hash", "mgmt-user", rf"\bmgmt-user{GAP}\S++{GAP}\S++{GAP}([0-9a-f]{{16,}}+)"),
    _rule("password-hash", "phash", rf"<phash>([^<\n]++)<|\bphash{GAP}{VALUE}"),
    _rule("password-hash", "$",
          r"(\$(?:0|1|2[abxy]?|3|5|6|7|8|9|14|y|gy|sha1|md5|apr1|argon2(?:id|i|d)|pbkdf2[\w-]{0,12}|scrypt|"
          r"shake256|h|c|S|M)\$[\w./$=,+*-]{8,}+)"),
    _rule("cipher", "$1a$ $1b$", r"(\$1[ab]\$[^\s\"]{12,}+)"),
    _rule("cipher", "%^%# %@%@ %$%$ @%@% %#%#", r"((%\^%\#|%@%@|%\$%\$|@%@%|%\#%\#)\S{8,400}?\2)"),
    _rule("key", "-aq==", r"((?-i:-AQ==)[A-Za-z0-9+/=]{16,}+)"),
)  # fmt: skip

SNMP_RULES = (
    _rule("snmp-community", "communit", rf"\bsnmp-server{GAP}community(?:-map)?{GAP}{TYPE}{VALUE}"),
    _rule("snmp-community", "snmp-agent",
          rf"\bsnmp-agent{GAP}community{GAP}(?:(?:read|write|simple|cipher|read-view|write-view){GAP})++"
          rf"{TYPE}{VALUE}"),
    _rule("snmp-community", "snmp",
          rf"\bsnmp-(?:server|agent)[^\n]{{0,160}}?{GAP}(?:version{GAP}(?:1|2c)|securityname){GAP}"
          rf"(?!(?:udp-port|v1|v2c)\b){TYPE}{VALUE}(?!{GAP}v3\b)"),
    _rule("snmp-community", "snmp",
          rf"\bsnmp-server{GAP}host{GAP}\S++{GAP}(?:(?:vrf|use-vrf){GAP}\S++{GAP})?(?:(?:traps?|informs?){GAP})?+"
          rf"(?!{IP})(?!(?:version|vrf|use-vrf|source-interface|filter-vrf|udp-port|poll|traps?|informs?|"
          rf"community)\b){TYPE}{VALUE}"),
    _rule("snmp-community", "communit",
          rf"\bsnmp-server{GAP}host{GAP}[^\n]{{1,120}}?{GAP}community{GAP}{TYPE}{VALUE}"),
    _rule("snmp-community", "communit",
          rf"\bsnmp{GAP}(?:v[123]c?{GAP})?community{GAP}"
          rf"(?!(?:add|set|print|remove|export|find|members?|strings?|names?)\b){TYPE}{NOT_PROSE}{VALUE}"),
    _rule("snmp-community", "snmpwalk snmpget snmpset snmpbulk",
          rf"\bsnmp(?:walk|get|getnext|set|bulkwalk|bulkget)\b[^\n]{{0,200}}?{GAP}-c[ \t]*+{VALUE}"),
    _rule("snmp-community", "communit", rf"\bcommunity{GAP}([^\s\"{{]++)[ \t]*+\{{"),
    _rule("snmp-community", "communit",
          rf"{LEAD}community{GAP}{VALUE}{GAP}[^\n]{{0,60}}?access-permissions\b"),
    _rule("snmp-community", "communit",
          rf"(?:snmp-community-string|\b(?:ro|rw)community6?|\bcommunity-name){GAP}{VALUE}"),
    _rule("snmp-community", "communit", r"<(?:snmp-)?community(?:-string|-name)?>([^<\n]++)<"),
    _rule("snmp-community", "communit",
          rf"\bcommunity[ _-]?(?:name|securityname|string)[\"']?[ \t]*+[:=][ \t]*+{NOT_PROSE}{ASSIGNED}"),
    _rule("snmp-community", "com2sec trapsink trap2sink",
          rf"^[ \t]*+(?:com2sec6?{GAP}(?:-Cn{GAP}\S++{GAP})?\S++{GAP}\S++|trap2?sink{GAP}\S++){GAP}{VALUE}"),
    _rule("snmp-auth-key", "auth", rf"\bauth{GAP}(?:md5|sha(?:-?\d{{1,3}})?){GAP}{TYPE}{VALUE}"),
    _rule("snmp-priv-key", "priv",
          rf"\bpriv{GAP}(?:(?:3?des|aes)(?:[ \t-]*+(?:56|128|192|256))?+{GAP}{TYPE}{VALUE}|"
          rf"{TYPE}(0x[0-9a-f]{{16,}}+)|{TYPE}{VALUE}(?={GAP}localizedkey))"),
    _rule("snmp-auth-key", "authentication-mode",
          rf"\bauthentication-mode{GAP}(?:md5|sha\S{{0,6}}|hmac-\S{{3,12}}){GAP}(?:\d{{1,3}}{GAP})?+"
          rf"(?!nonstandard{END}|privacy-mode\b){TYPE}{VALUE}"),
    _rule("snmp-auth-key", "auth-prot", rf"\bauth-prot{GAP}\S++{GAP}{TYPE}{VALUE}"),
    _rule("snmp-priv-key", "priv-prot", rf"\bpriv-prot{GAP}\S++{GAP}{TYPE}{VALUE}"),
    _rule("snmp-auth-key", "authentication",
          rf"\bauthentication{GAP}(?:hash{GAP})?(?:md5|sha\S{{0,6}}){GAP}([0-9a-f]{{32,}}+)"
          rf"(?:{GAP}privacy{GAP}\S{{1,20}}-key{GAP}([0-9a-f]{{16,}}+))?"),
    _rule("snmp-priv-key", "privacy-mode",
          rf"\bprivacy-mode{GAP}(?:3?des\S{{0,4}}|aes\S{{0,4}}){GAP}{TYPE}{VALUE}"),
    _rule("snmp-auth-key", "createuser",
          rf"\bcreateUser{GAP}\S++{GAP}(?:MD5|SHA\S{{0,4}}){GAP}{VALUE}"
          rf"(?:{GAP}(?:DES|AES\S{{0,4}}){GAP}{VALUE})?"),
)  # fmt: skip

ROUTING_RULES = (
    _rule("routing-key", "key-string key-octet",
          rf"\bkey-(?:octet-)?string{GAP}{CONFIG_VALUE}(?:{END}|(?={GAP}(?:timeout|hmac|cryptographic|[0-9]+\b)))"),
    _rule("routing-key", "digest-key", rf"\bmessage-digest-key{GAP}\d++{GAP}md5{GAP}{TYPE}{VALUE}"),
    _rule("routing-key", "authentication-key",
          rf"\bauthentication-key{GAP}(?:\d{{1,10}}{GAP})?+(?:type{GAP})?+"
          rf"(?:(?:md5|sha\S{{0,10}}|cmac\S{{0,12}}|aes\S{{0,12}}|hmac-\S{{3,12}}){GAP})?+(?:value{GAP})?+"
          rf"(?!(?:md5|sha\S{{0,10}}|aes\S{{0,12}}){END}){CONFIG_VALUE}"),
    _rule("routing-key", "authentication",
          rf"\b(?:standby|vrrp|glbp){GAP}(?:\S++{GAP}){{0,3}}?authentication{GAP}(?:text{GAP})?+"
          rf"(?!(?:md5|text|key-chain|mode|password|type|plaintext-password)\b){VALUE}"),
    _rule("routing-key", "authentication", rf"{LEAD}authentication{GAP}text{GAP}{VALUE}{END}"),
    _rule("routing-key", "authentication", rf"\bauthentication{GAP}key{GAP}(?:0|6|7|8a){GAP}{VALUE}"),
    _rule("routing-key", "nhrp", rf"\bnhrp{GAP}authentication{GAP}{TYPE}{VALUE}"),
    _rule("routing-key", "hmac-sha-256", rf"\bauthentication{GAP}mode{GAP}hmac-sha-256{GAP}{TYPE}{VALUE}"),
    _rule("routing-key", "authentication-mode",
          rf"\bauthentication-mode{GAP}(?:simple|plain){GAP}(?!\d{{1,3}}{END}){TYPE}{VALUE}"),
    _rule("ipsec-key", "spi",
          rf"\bspi{GAP}\d++{GAP}(?:esp{GAP}\S++{GAP}(?:\d{{3}}{GAP})?+(?:[07]{GAP})?+([0-9a-f]{{16,}}+){GAP})?"
          rf"(?:md5|sha1){GAP}(?:[07]{GAP})?+([0-9a-f]{{16,}}+)"),
)  # fmt: skip

KEY_RULES = (
    _rule("psk", "isakmp", rf"\bisakmp{GAP}key{GAP}{TYPE}{VALUE}"),
    _rule("psk", "share",
          rf"(?<![=\w])pre-?share(?:d-key)?{GAP}(?:(?:address|hostname|peer){GAP}\S++{GAP}"
          rf"(?:(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\d{{1,3}}){GAP})?+)?(?:(?:local|remote){GAP})?+(?:key{GAP})?+"
          rf"{CONFIG_VALUE}"),
    _rule("aaa-key", "key",
          rf"\b(?:radius-server|tacacs-server|server-private|radius|tacacs|hwtacacs)\b[^\n]{{0,160}}?{GAP}"
          rf"(?:shared-|server-)?key{GAP}(?:(?:authentication|accounting|authorization){GAP})?+{CONFIG_VALUE}"),
    _rule("aaa-key", "shared-key server-key", rf"(?<![\w-])(?:shared-key|server-key){GAP}{CONFIG_VALUE}"),
    _rule("aaa-key", "cipher simple",
          rf"{LEAD}(?:(?:primary|secondary){GAP})?(?:authentication|accounting|authorization){GAP}"
          rf"[^\n]{{1,80}}?{GAP}key{GAP}(?:cipher|simple){GAP}{VALUE}"),
    _rule("aaa-key", "key", rf"\bkey{GAP}(?:authentication|accounting|authorization){GAP}{TYPE}{VALUE}{END}"),
    _rule("master-key", "config-key", rf"\bkey{GAP}config-key{GAP}(?:password-encrypt|newpass){GAP}{VALUE}"),
    _rule("key", "key",
          rf"{LEAD}(?:failover{GAP})?(?-i:key){GAP}(?!\d{{1,10}}{END}){CONFIG_VALUE}{END}"),
    _rule("key", "key",
          rf"\bkey{GAP}(?:7{GAP}([0-9a-f]{{4,}}+)|[056]{GAP}(?:\"([^\"\n]++)\"|(\S++))){END}"),
    _rule("key", "key", rf"\bkey{GAP}[0-9a-f]{{2,64}}{GAP}[07]{GAP}([0-9a-f]{{16,}}+)"),
    _rule("key", "key", rf"\bencryption{GAP}key{GAP}\d{GAP}size{GAP}\S++{GAP}{TYPE}([0-9a-f]{{10,}}+)"),
    _rule("key", "key",
          rf"{LEAD}set{GAP}(?:(?!public)\S++{GAP}){{0,14}}?key{GAP}(?!\d{{1,10}}{END}){CONFIG_VALUE}{END}"),
    _rule("psk", "set-key", rf"\bset-key{GAP}{TYPE}{VALUE}"),
    _rule("psk", "wpa", rf"\bwpa2?-psk{GAP}(?:ascii|hex){GAP}{TYPE}{VALUE}"),
    _rule("key", "wep",
          rf"\bwep{GAP}(?:key{GAP})?\d?[ \t]*+(?:size{GAP}\d++\w*{GAP})?(?:transmit-key{GAP})?"
          rf"{TYPE}([0-9a-f]{{10,}}+)\b"),
    _rule("key", "key=",
          rf"{LEAD}(?:[/\w-]++{GAP}){{0,4}}?(?:add|set)\b[^\n]{{0,400}}?[ \t]key={ASSIGNED}"),
    _rule("key", "key= key>", rf"<key>([^<\n]++)<|[?&](?:api_?|access_)?key={ASSIGNED}"),
    _rule("key", "-key",
          rf"\b(?:md5-key|auth-key|hello-key|encryption-key|privacy-key|session-key|ike-key|master-key)"
          rf"{GAP}(?:\d{{1,3}}{GAP})?+{CONFIG_VALUE}"),
    _rule("secret", "secret",
          rf"\bsecret{GAP}(?=[\"']|\S{{0,64}}?\d)(?!\d{{1,6}}[\s.,]){NOT_PROSE}{VALUE}{END}"),
    _rule("secret", "pass secret key psk -pw", rf"\bset{GAP}[\w-]{{1,64}}{GAP}(?-i:ENC){GAP}(\S++)"),
)  # fmt: skip

WEB_RULES = (
    _rule("authorization", "authorization",
          rf"\bauthorization\\?[\"']?[ \t]*+[:=][ \t]*+\\?[\"']?"
          rf"(?:bearer|basic|token|digest|apikey|negotiate|splunk){GAP}([^\s\"'\\]++)"),
    _rule("authorization", "bearer", rf"\bbearer{GAP}(?=[\w.~+/=-]*\d)([\w.~+/=-]{{8,}}+)"),
    _rule("token", "token", rf"(?<![\w-])token=(?=[\w.~+/%-]{{8}}){ASSIGNED}"),
    _rule("cookie", "cookie:", r"\bcookie:[ \t]*+((?=[^\s=]{1,64}=)[^\r\n]++)"),
    _rule("password", "://", r"://[^\s:/@\"'<>]{0,128}+:([^\s/\"'<>]{1,256})@"),
    _rule("cloud-key", "akia asia", r"\b((?-i:AKIA|ASIA)[A-Z0-9]{16})\b"),
    _rule("token", "eyj", r"\b((?-i:eyJ)[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+)"),
    _rule("token", "token", rf"--(?:[a-z-]{{0,20}}-)?token(?:=|{GAP}){VALUE}"),
    _rule("token", "ghp_ glpat- xox", r"\b((?:ghp_|glpat-|xox[abprs]-)[\w-]{16,}+)"),
)  # fmt: skip

BREAK = r"(?:\s|\\[nr]|&\#(?:10|13|x0?[aAdD]);)"  # a line's end, also where the text was escaped
LAST_LINE = "[A-Za-z0-9+/=]{1,15}+"  # the last line of a key; any other is longer
PEM = (
    r"-----BEGIN [A-Z0-9 ]{0,30}?PRIVATE KEY(?: BLOCK)?-----"
    rf"({BREAK}*+(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash):[^\n\\]*+{BREAK}*+|"
    rf"[A-Za-z0-9+/=]{{16,}}+{BREAK}*+)*+(?:{LAST_LINE}(?={BREAK}*+(?:-----END|\Z)))?)"
)
TEXT_RULES = (  # these cross lines
    _exact("private-key", "key----- block-----", PEM),
    _exact("private-key", "pkcs12-----",
           rf"-----BEGIN PKCS12-----((?:{BREAK}*+[A-Za-z0-9+/=]{{1,512}}+)*+){BREAK}*+"),
    _exact("private-key", "private-lines:",
           r"Private-Lines: \d++\s*+((?:[A-Za-z0-9+/=]{1,76}+(?:\r?\n|\Z))*+)"),
    _exact("private-key", "private",
           r"rivate[- ][Kk]ey\b[^\n]{0,80}(?:\n|\Z)"
           r"((?:[ \t]*+(?:[0-9A-Fa-f]{2,64}+[ \t:]*+){4,}+\r?(?:\n|\Z))*+)"),
    # The end of a key whose beginning was in an earlier part of the text.
    _exact("private-key", "key----- block-----",
           rf"\A((?:[A-Za-z0-9+/=]{{16,}}+{BREAK}++)++(?:[A-Za-z0-9+/=]{{1,15}}+{BREAK}++)?+)"
           r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY"),
    # RouterOS breaks long lines with a backslash, also right after the equals sign.
    _exact("secret", "=\\",
           r"=\\(?:(?<=password=\\)|(?<=secret=\\)|(?<=passphrase=\\)|(?<=key=\\))" rf"\r?\n[ \t]*+{ASSIGNED}"),
)  # fmt: skip

BLOCKS = (
    Block("snmp-community", "snmp", re.compile(r"config system snmp community\b"),
          re.compile(r"^end\b", re.M), re.compile(r"^[ \t]*+set name (?:\"([^\"\n]++)\"|(\S++))", re.M)),
    Block("snmp-community", "/snmp", re.compile(r"/snmp community\b"),
          re.compile(r"\n/", re.M), re.compile(r"\bname=(?:\"([^\"\n]++)\"|([^\s\"]++))")),
)  # fmt: skip

LINE_RULES = (
    *PASSWORD_RULES, *SNMP_RULES, *ROUTING_RULES, *KEY_RULES, *WEB_RULES,
    *(rule for kind, stems, words in KEYWORDS for rule in _keyword_rules(kind, stems, words)),
)  # fmt: skip
KINDS = frozenset(rule.kind for rule in (*LINE_RULES, *TEXT_RULES)) | {block.kind for block in BLOCKS}

# --- known values: how they are written, and when a short one counts ----------------------------------------

# Stands for each character of a mark: no keyword, no white space, no quote; ASCII, or Python would search a text
# of wider characters.
BLANK = "\x05"
ANYWHERE = 6  # a secret of this length is masked wherever it stands
WHOLE_TOKEN = 4  # a shorter one only beside a keyword: as a substring it would take every «a» of a text
PEM_FRAME = re.compile(r"-----(?:BEGIN|END) |PuTTY-User-Key|[A-Z][A-Za-z-]+: ")
KEYWORD_STEMS = ("passw", "passphrase", "secret", "key", "communit", "psk", "token")
KEYWORD = (
    rf"(?:{'|'.join(KEYWORD_STEMS)})[\w-]{{0,20}}[\"']?(?:[ \t]*+[:=>]++[ \t]*+|[ \t]++)"
    r"(?:\d{1,2}[ \t]++)?[\"']?"
)


def written_forms(value: str) -> set[str]:
    """`value` as it is, and as XML, JSON, Python, a shell, a URL and base64 write it."""
    raw = value.encode("utf-8", "surrogatepass")
    quotes = [("&quot;", "&#39;"), ("&quot;", "&apos;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;")]
    forms = {
        value,
        escape(value),
        *(escape(value, {'"': double, "'": single}) for double, single in quotes),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        repr(raw)[2:-1],
        value.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'"),
        shlex.quote(value).removeprefix("'").removesuffix("'"),
    }
    if len(value) >= WHOLE_TOKEN:
        urls = {quote(raw), quote(raw, safe=""), quote_plus(raw)}
        forms |= urls | {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), url) for url in urls}
        forms |= {
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        }
    return forms


def telling_parts(value: str) -> list[str]:
    """The pieces of a credential that give it away by themselves: of a private key, every line of its body."""
    value = value.strip("\r\n")
    if "\n" not in value:
        return [part for part in {value, value.strip()} if part.strip()]
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if line and not PEM_FRAME.match(line)]


def token_pattern(form: str) -> re.Pattern[str]:
    """`form` as a whole word, also behind the escaped end of a line. What stood at a mark was no whole word."""
    return re.compile(rf"(?:(?<![\w.{BLANK}-])|(?<=\\[nrt])){re.escape(form)}(?![\w{BLANK}-]|\.\w)")


def beside_pattern(form: str) -> re.Pattern[str]:
    """`form` as the value of a keyword."""
    return re.compile(rf"{KEYWORD}(?-i:({re.escape(form)}))(?![^\s\"'<;,)\]}}\\])", re.IGNORECASE)

"""What a credential looks like in device output, configurations and log lines, as data.

How the engine in `redactor.py` reads a rule:

- Every capture group of the expression is a secret; whatever is to stay stands outside the groups.
- A rule runs only where one of its `stems` stands (lower case, no blanks: finding them is what makes the
  whole thing cheap), and one of its `needs`. A line rule never crosses a line: write `[ \\t]`, not `\\s`.
- Linear time is the author's duty: begin with literal text, bound every gap, use possessive quantifiers.
- A type such as the 7 in `password 7 …` is skipped possessively, so that a second pass meets the mark in the
  value's place and never takes the type for the value.
"""

import re

from logsite.redaction.expressions import (
    ASSIGNED,
    CONFIG_VALUE,
    END,
    GAP,
    IP,
    KEYWORDS,
    LEAD,
    NOT_PROSE,
    TYPE,
    VALUE,
    Block,
    exact,
    keyword_rules,
    rule,
)

PASSWORD_RULES = (
    rule(
        "enable-secret",
        "passw secret",
        rf"\benable{GAP}(?:algorithm-type{GAP}\S++{GAP})?(?:password|secret){GAP}"
        rf"(?:level{GAP}\d++{GAP})?{CONFIG_VALUE}",
    ),
    rule("bgp-password", "passw", rf"\b(?:neighbor|peer){GAP}\S++{GAP}password{GAP}{CONFIG_VALUE}"),
    rule(
        "password",
        "passw secret",
        rf"{LEAD}(?:vpdn{GAP})?(?:username|local-user){GAP}\S++(?:{GAP}\S++){{0,8}}?{GAP}(?:password|secret){GAP}"
        rf"{CONFIG_VALUE}",
    ),
    rule("password", "passw", rf"\buser{GAP}\S++{GAP}(?:group{GAP}\S++{GAP})?password{GAP}{CONFIG_VALUE}"),
    rule("password", "passw", rf"\bsuper{GAP}password{GAP}(?:(?:role|level){GAP}\S++{GAP})?{CONFIG_VALUE}"),
    rule(
        "password",
        "passw",
        rf"\bpassword{GAP}manager{GAP}(?:user-name{GAP}\S++{GAP})?(?:plaintext|sha1|sha256){GAP}{VALUE}",
    ),
    rule("password", "md5-password", rf"\bmd5-password{GAP}(?:cipher|plain){GAP}{IP}[ \t]*+{VALUE}"),
    rule("password", "-pw", rf"-(?:pw|pwd){GAP}{CONFIG_VALUE}{END}"),
    rule("password-hash", "passw", rf"\bbkup-passwords{GAP}{VALUE}"),
    rule(
        "password",
        "passw secret",
        rf"\b(?:password|passwd|secret){GAP}[0-9]{GAP}(?!(?:to|or|and){GAP}){NOT_PROSE}{VALUE}",
    ),
    rule(
        "password",
        "passw secret",
        rf"\b(?:chap|pap|isis|vtp|ftp|client|tunnel|bind|login|console|aggressive-mode|authentication|"
        rf"password-hash|(?:sent-username|local-user){GAP}\S++){GAP}(?:password|secret){GAP}{CONFIG_VALUE}",
    ),
    rule(
        "passphrase",
        "pkcs12",
        rf"\bcrypto{GAP}(?:pki|ca){GAP}(?:import|export){GAP}\S++{GAP}pkcs12{GAP}"
        rf"(?:\S++{GAP}password{GAP})?(?!terminal\b|nvram:){VALUE}{END}",
    ),
    rule("password", "passw", rf"\bmsdp{GAP}password{GAP}peer{GAP}\S++{GAP}{CONFIG_VALUE}"),
    rule(
        "password",
        "passw secret",
        rf"{LEAD}(?-i:password|passwd|secret){GAP}{CONFIG_VALUE}"
        rf"{END}",
    ),
    rule("passphrase", "passphrase", rf"(?:{LEAD}|wpa-|wpa2-)passphrase{GAP}{CONFIG_VALUE}{END}"),
    rule("password", "pass", rf"[_\"]pass[\"']?[ \t]*+[=:][ \t]*+{NOT_PROSE}{ASSIGNED}"),
    rule(
        "password",
        "pwd",
        rf"pwd>([^<\n]++)<|(?<=[a-z_])pwd[\"']?[ \t]*+[=:][ \t]*+(?![/~.]){NOT_PROSE}{ASSIGNED}",
    ),
    rule("password", "pass", rf"\b(?:sshpass{GAP}-p[ \t]*+|(?:requirepass|auth_pass){GAP}){VALUE}"),
    rule("password", "masterauth", rf"\bmasterauth{GAP}{VALUE}"),
    rule(
        "password", "curl", rf"\bcurl\b[^\n]{{0,120}}?{GAP}(?:-u|--user){GAP}['\"]?[^\s:'\"]++:([^\s'\"]++)"
    ),
    rule("password-hash", ":::", r"^[\w.-]{1,32}+:([./0-9A-Za-z]{13}):\d*+:\d*+:\d*+:\d*+:::"),
    rule("password-hash", "{s {crypt", r"\{(?:s?sha(?:256|512)?|smd5|crypt)\}([^\s\"',]++)"),
    rule("password-hash", "mgmt-user", rf"\bmgmt-user{GAP}\S++{GAP}\S++{GAP}([0-9a-f]{{16,}}+)"),
    rule("password-hash", "phash", rf"<phash>([^<\n]++)<|\bphash{GAP}{VALUE}"),
    rule(
        "password-hash",
        "$",
        r"(\$(?:0|1|2[abxy]?|3|5|6|7|8|9|14|y|gy|sha1|md5|apr1|argon2(?:id|i|d)|pbkdf2[\w-]{0,12}|scrypt|"
        r"shake256|h|c|S|M)\$[\w./$=,+*-]{8,}+)",
    ),
    rule("cipher", "$1a$ $1b$", r"(\$1[ab]\$[^\s\"]{12,}+)"),
    rule("cipher", "%^%# %@%@ %$%$ @%@% %#%#", r"((%\^%\#|%@%@|%\$%\$|@%@%|%\#%\#)\S{8,400}?\2)"),
    rule("key", "-aq==", r"((?-i:-AQ==)[A-Za-z0-9+/=]{16,}+)"),
)

SNMP_RULES = (
    rule("snmp-community", "communit", rf"\bsnmp-server{GAP}community(?:-map)?{GAP}{TYPE}{VALUE}"),
    rule(
        "snmp-community",
        "snmp-agent",
        rf"\bsnmp-agent{GAP}community{GAP}(?:(?:read|write|simple|cipher|read-view|write-view){GAP})++"
        rf"{TYPE}{VALUE}",
    ),
    rule(
        "snmp-community",
        "snmp",
        rf"\bsnmp-(?:server|agent)[^\n]{{0,160}}?{GAP}(?:version{GAP}(?:1|2c)|securityname){GAP}"
        rf"(?!(?:udp-port|v1|v2c)\b){TYPE}{VALUE}(?!{GAP}v3\b)",
    ),
    rule(
        "snmp-community",
        "snmp",
        rf"\bsnmp-server{GAP}host{GAP}\S++{GAP}(?:(?:vrf|use-vrf){GAP}\S++{GAP})?(?:(?:traps?|informs?){GAP})?+"
        rf"(?!{IP})(?!(?:version|vrf|use-vrf|source-interface|filter-vrf|udp-port|poll|traps?|informs?|"
        rf"community)\b){TYPE}{VALUE}",
    ),
    rule(
        "snmp-community",
        "communit",
        rf"\bsnmp-server{GAP}host{GAP}[^\n]{{1,120}}?{GAP}community{GAP}{TYPE}{VALUE}",
    ),
    rule(
        "snmp-community",
        "communit",
        rf"\bsnmp{GAP}(?:v[123]c?{GAP})?community{GAP}"
        rf"(?!(?:add|set|print|remove|export|find|members?|strings?|names?)\b){TYPE}{NOT_PROSE}{VALUE}",
    ),
    rule(
        "snmp-community",
        "snmpwalk snmpget snmpset snmpbulk",
        rf"\bsnmp(?:walk|get|getnext|set|bulkwalk|bulkget)\b[^\n]{{0,200}}?{GAP}-c[ \t]*+{VALUE}",
    ),
    rule("snmp-community", "communit", rf"\bcommunity{GAP}([^\s\"{{]++)[ \t]*+\{{"),
    rule(
        "snmp-community", "communit", rf"{LEAD}community{GAP}{VALUE}{GAP}[^\n]{{0,60}}?access-permissions\b"
    ),
    rule(
        "snmp-community",
        "communit",
        rf"(?:snmp-community-string|\b(?:ro|rw)community6?|\bcommunity-name){GAP}{VALUE}",
    ),
    rule("snmp-community", "communit", r"<(?:snmp-)?community(?:-string|-name)?>([^<\n]++)<"),
    rule(
        "snmp-community",
        "communit",
        rf"\bcommunity[ _-]?(?:name|securityname|string)[\"']?[ \t]*+[:=][ \t]*+{NOT_PROSE}{ASSIGNED}",
    ),
    rule(
        "snmp-community",
        "com2sec trapsink trap2sink",
        rf"^[ \t]*+(?:com2sec6?{GAP}(?:-Cn{GAP}\S++{GAP})?\S++{GAP}\S++|trap2?sink{GAP}\S++){GAP}{VALUE}",
    ),
    rule("snmp-auth-key", "auth", rf"\bauth{GAP}(?:md5|sha(?:-?\d{{1,3}})?){GAP}{TYPE}{VALUE}"),
    rule(
        "snmp-priv-key",
        "priv",
        rf"\bpriv{GAP}(?:(?:3?des|aes)(?:[ \t-]*+(?:56|128|192|256))?+{GAP}{TYPE}{VALUE}|"
        rf"{TYPE}(0x[0-9a-f]{{16,}}+)|{TYPE}{VALUE}(?={GAP}localizedkey))",
    ),
    rule(
        "snmp-auth-key",
        "authentication-mode",
        rf"\bauthentication-mode{GAP}(?:md5|sha\S{{0,6}}|hmac-\S{{3,12}}){GAP}(?:\d{{1,3}}{GAP})?+"
        rf"(?!nonstandard{END}|privacy-mode\b){TYPE}{VALUE}",
    ),
    rule("snmp-auth-key", "auth-prot", rf"\bauth-prot{GAP}\S++{GAP}{TYPE}{VALUE}"),
    rule("snmp-priv-key", "priv-prot", rf"\bpriv-prot{GAP}\S++{GAP}{TYPE}{VALUE}"),
    rule(
        "snmp-auth-key",
        "authentication",
        rf"\bauthentication{GAP}(?:hash{GAP})?(?:md5|sha\S{{0,6}}){GAP}([0-9a-f]{{32,}}+)"
        rf"(?:{GAP}privacy{GAP}\S{{1,20}}-key{GAP}([0-9a-f]{{16,}}+))?",
    ),
    rule(
        "snmp-priv-key",
        "privacy-mode",
        rf"\bprivacy-mode{GAP}(?:3?des\S{{0,4}}|aes\S{{0,4}}){GAP}{TYPE}{VALUE}",
    ),
    rule(
        "snmp-auth-key",
        "createuser",
        rf"\bcreateUser{GAP}\S++{GAP}(?:MD5|SHA\S{{0,4}}){GAP}{VALUE}"
        rf"(?:{GAP}(?:DES|AES\S{{0,4}}){GAP}{VALUE})?",
    ),
)

ROUTING_RULES = (
    rule(
        "routing-key",
        "key-string key-octet",
        rf"\bkey-(?:octet-)?string{GAP}{CONFIG_VALUE}(?:{END}|(?={GAP}(?:timeout|hmac|cryptographic|[0-9]+\b)))",
    ),
    rule("routing-key", "digest-key", rf"\bmessage-digest-key{GAP}\d++{GAP}md5{GAP}{TYPE}{VALUE}"),
    rule(
        "routing-key",
        "authentication-key",
        rf"\bauthentication-key{GAP}(?:\d{{1,10}}{GAP})?+(?:type{GAP})?+"
        rf"(?:(?:md5|sha\S{{0,10}}|cmac\S{{0,12}}|aes\S{{0,12}}|hmac-\S{{3,12}}){GAP})?+(?:value{GAP})?+"
        rf"(?!(?:md5|sha\S{{0,10}}|aes\S{{0,12}}){END}){CONFIG_VALUE}",
    ),
    rule(
        "routing-key",
        "authentication",
        rf"\b(?:standby|vrrp|glbp){GAP}(?:\S++{GAP}){{0,3}}?authentication{GAP}(?:text{GAP})?+"
        rf"(?!(?:md5|text|key-chain|mode|password|type|plaintext-password)\b){VALUE}",
    ),
    rule("routing-key", "authentication", rf"{LEAD}authentication{GAP}text{GAP}{VALUE}{END}"),
    rule("routing-key", "authentication", rf"\bauthentication{GAP}key{GAP}(?:0|6|7|8a){GAP}{VALUE}"),
    rule("routing-key", "nhrp", rf"\bnhrp{GAP}authentication{GAP}{TYPE}{VALUE}"),
    rule("routing-key", "hmac-sha-256", rf"\bauthentication{GAP}mode{GAP}hmac-sha-256{GAP}{TYPE}{VALUE}"),
    rule(
        "routing-key",
        "authentication-mode",
        rf"\bauthentication-mode{GAP}(?:simple|plain){GAP}(?!\d{{1,3}}{END}){TYPE}{VALUE}",
    ),
    rule(
        "ipsec-key",
        "spi",
        rf"\bspi{GAP}\d++{GAP}(?:esp{GAP}\S++{GAP}(?:\d{{3}}{GAP})?+(?:[07]{GAP})?+([0-9a-f]{{16,}}+){GAP})?"
        rf"(?:md5|sha1){GAP}(?:[07]{GAP})?+([0-9a-f]{{16,}}+)",
    ),
)

KEY_RULES = (
    rule("psk", "isakmp", rf"\bisakmp{GAP}key{GAP}{TYPE}{VALUE}"),
    rule(
        "psk",
        "share",
        rf"(?<![=\w])pre-?share(?:d-key)?{GAP}(?:(?:address|hostname|peer){GAP}\S++{GAP}"
        rf"(?:(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\d{{1,3}}){GAP})?+)?(?:(?:local|remote){GAP})?+(?:key{GAP})?+"
        rf"{CONFIG_VALUE}",
    ),
    rule(
        "aaa-key",
        "key",
        rf"\b(?:radius-server|tacacs-server|server-private|radius|tacacs|hwtacacs)\b[^\n]{{0,160}}?{GAP}"
        rf"(?:shared-|server-)?key{GAP}(?:(?:authentication|accounting|authorization){GAP})?+{CONFIG_VALUE}",
    ),
    rule("aaa-key", "shared-key server-key", rf"(?<![\w-])(?:shared-key|server-key){GAP}{CONFIG_VALUE}"),
    rule(
        "aaa-key",
        "cipher simple",
        rf"{LEAD}(?:(?:primary|secondary){GAP})?(?:authentication|accounting|authorization){GAP}"
        rf"[^\n]{{1,80}}?{GAP}key{GAP}(?:cipher|simple){GAP}{VALUE}",
    ),
    rule("aaa-key", "key", rf"\bkey{GAP}(?:authentication|accounting|authorization){GAP}{TYPE}{VALUE}{END}"),
    rule("master-key", "config-key", rf"\bkey{GAP}config-key{GAP}(?:password-encrypt|newpass){GAP}{VALUE}"),
    rule("key", "key", rf"{LEAD}(?:failover{GAP})?(?-i:key){GAP}(?!\d{{1,10}}{END}){CONFIG_VALUE}{END}"),
    rule("key", "key", rf"\bkey{GAP}(?:7{GAP}([0-9a-f]{{4,}}+)|[056]{GAP}(?:\"([^\"\n]++)\"|(\S++))){END}"),
    rule("key", "key", rf"\bkey{GAP}[0-9a-f]{{2,64}}{GAP}[07]{GAP}([0-9a-f]{{16,}}+)"),
    rule("key", "key", rf"\bencryption{GAP}key{GAP}\d{GAP}size{GAP}\S++{GAP}{TYPE}([0-9a-f]{{10,}}+)"),
    rule(
        "key",
        "key",
        rf"{LEAD}set{GAP}(?:(?!public)\S++{GAP}){{0,14}}?key{GAP}(?!\d{{1,10}}{END}){CONFIG_VALUE}{END}",
    ),
    rule("psk", "set-key", rf"\bset-key{GAP}{TYPE}{VALUE}"),
    rule("psk", "wpa", rf"\bwpa2?-psk{GAP}(?:ascii|hex){GAP}{TYPE}{VALUE}"),
    rule(
        "key",
        "wep",
        rf"\bwep{GAP}(?:key{GAP})?\d?[ \t]*+(?:size{GAP}\d++\w*{GAP})?(?:transmit-key{GAP})?"
        rf"{TYPE}([0-9a-f]{{10,}}+)\b",
    ),
    rule("key", "key=", rf"{LEAD}(?:[/\w-]++{GAP}){{0,4}}?(?:add|set)\b[^\n]{{0,400}}?[ \t]key={ASSIGNED}"),
    rule("key", "key= key>", rf"<key>([^<\n]++)<|[?&](?:api_?|access_)?key={ASSIGNED}"),
    rule(
        "key",
        "-key",
        rf"\b(?:md5-key|auth-key|hello-key|encryption-key|privacy-key|session-key|ike-key|master-key)"
        rf"{GAP}(?:\d{{1,3}}{GAP})?+{CONFIG_VALUE}",
    ),
    rule(
        "secret", "secret", rf"\bsecret{GAP}(?=[\"']|\S{{0,64}}?\d)(?!\d{{1,6}}[\s.,]){NOT_PROSE}{VALUE}{END}"
    ),
    rule("secret", "pass secret key psk -pw", rf"\bset{GAP}[\w-]{{1,64}}{GAP}(?-i:ENC){GAP}(\S++)"),
)

WEB_RULES = (
    rule(
        "authorization",
        "authorization",
        rf"\bauthorization\\?[\"']?[ \t]*+[:=][ \t]*+\\?[\"']?"
        rf"(?:bearer|basic|token|digest|apikey|negotiate|splunk){GAP}([^\s\"'\\]++)",
    ),
    rule("authorization", "bearer", rf"\bbearer{GAP}(?=[\w.~+/=-]*\d)([\w.~+/=-]{{8,}}+)"),
    rule("token", "token=", rf"(?<![\w-])token=(?=[\w.~+/%-]{{8}}){ASSIGNED}"),
    rule("cookie", "cookie:", r"\bcookie:[ \t]*+((?=[^\s=]{1,64}=)[^\r\n]++)"),
    rule("password", "://", r"://[^\s:/@\"'<>]{0,128}+:([^\s/\"'<>]{1,256})@"),
    rule("cloud-key", "akia asia", r"\b((?-i:AKIA|ASIA)[A-Z0-9]{16})\b"),
    rule("token", "eyj", r"\b((?-i:eyJ)[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+)"),
    rule("token", "-token", rf"--(?:[a-z-]{{0,20}}-)?token(?:=|{GAP}){VALUE}"),
    rule("token", "ghp_ glpat- xox", r"\b((?:ghp_|glpat-|xox[abprs]-)[\w-]{16,}+)"),
)

BREAK = r"(?:\s|\\[nr]|&\#(?:10|13|x0?[aAdD]);)"  # a line's end, also where the text was escaped
LAST_LINE = "[A-Za-z0-9+/=]{1,15}+"  # the last line of a key; any other is longer
PEM = (
    r"-----BEGIN [A-Z0-9 ]{0,30}?PRIVATE KEY(?: BLOCK)?-----"
    rf"({BREAK}*+(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash):[^\n\\]*+{BREAK}*+|"
    rf"[A-Za-z0-9+/=]{{16,}}+{BREAK}*+)*+(?:{LAST_LINE}(?={BREAK}*+(?:-----END|\Z)))?)"
)
TEXT_RULES = (  # these cross lines
    exact("private-key", "key----- block-----", PEM),
    exact(
        "private-key",
        "pkcs12-----",
        rf"-----BEGIN PKCS12-----((?:{BREAK}*+[A-Za-z0-9+/=]{{1,512}}+)*+){BREAK}*+",
    ),
    exact(
        "private-key", "private-lines:", r"Private-Lines: \d++\s*+((?:[A-Za-z0-9+/=]{1,76}+(?:\r?\n|\Z))*+)"
    ),
    exact(
        "private-key",
        "private",
        r"rivate[- ][Kk]ey\b[^\n]{0,80}(?:\n|\Z)"
        r"((?:[ \t]*+(?:[0-9A-Fa-f]{2,64}+[ \t:]*+){4,}+\r?(?:\n|\Z))*+)",
    ),
    # The end of a key whose beginning was in an earlier part of the text.
    exact(
        "private-key",
        "key----- block-----",
        rf"\A((?:[A-Za-z0-9+/=]{{16,}}+{BREAK}++)++(?:[A-Za-z0-9+/=]{{1,15}}+{BREAK}++)?+)"
        r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY",
    ),
    # RouterOS breaks long lines with a backslash, also right after the equals sign.
    exact(
        "secret",
        "=\\",
        r"=\\(?:(?<=password=\\)|(?<=secret=\\)|(?<=passphrase=\\)|(?<=key=\\))" rf"\r?\n[ \t]*+{ASSIGNED}",
    ),
)

BLOCKS = (
    Block(
        "snmp-community",
        "snmp",
        re.compile(r"config system snmp community\b"),
        re.compile(r"^end\b", re.M),
        re.compile(r"^[ \t]*+set name (?:\"([^\"\n]++)\"|(\S++))", re.M),
    ),
    Block(
        "snmp-community",
        "/snmp",
        re.compile(r"/snmp community\b"),
        re.compile(r"\n/", re.M),
        re.compile(r"\bname=(?:\"([^\"\n]++)\"|([^\s\"]++))"),
    ),
)

LINE_RULES = (
    *PASSWORD_RULES,
    *SNMP_RULES,
    *ROUTING_RULES,
    *KEY_RULES,
    *WEB_RULES,
    *(rule for kind, stems, words in KEYWORDS for rule in keyword_rules(kind, stems, words)),
)
KINDS = frozenset(each.kind for each in (*LINE_RULES, *TEXT_RULES)) | {block.kind for block in BLOCKS}

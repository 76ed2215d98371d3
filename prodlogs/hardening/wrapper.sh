#!/bin/sh
# @PROGRAM@: what LogSite may ask of Docker on this host, and nothing else.
# Printed by `manage.py prodlogs harden`. Install it owned by root, mode 0755, outside of the login's reach.
set -f
unset -f printf env
PATH=@SEARCH_PATH@
LC_ALL=C
export PATH LC_ALL
IFS=' '
asked=${SSH_ORIGINAL_COMMAND-}

ps_format=@PS_FORMAT@
inspect_format=@INSPECT_FORMAT@
stats_format=@STATS_FORMAT@
ps="@PS@ '$ps_format'"
inspect="@INSPECT@ '$inspect_format' "
stats="@STATS@ '$stats_format'"
logs="@LOGS@ "

refuse() {
    printf '%s%s\n' '@REFUSAL@' "$1" >&2
    exit @REFUSED@
}

run() {
    exec env -i PATH="$PATH" LC_ALL=C DOCKER_CONFIG=/nonexistent @DOCKER_HOST@@DOCKER@ "$@"
}

blanks() {  # one between two words, none before or after them
    case $1 in
    '' | ' '* | *' ' | *'  '*) refuse 'words are not separated by one blank each' ;;
    esac
}

container() {
    case $1 in
    *[!@LETTERS@0123456789_.-]*) refuse 'not the id or name of a container' ;;
    [@LETTERS@0123456789]?*) ;;
    *) refuse 'not the id or name of a container' ;;
    esac
    case $((${#1} > @LONGEST_NAME@)) in
    0) ;;
    *) refuse 'the name of a container is too long' ;;
    esac
}

count() {
    case $1 in
    *[!0123456789]* | ?????????[0123456789]*) refuse '--tail is not a number of lines' ;;
    [123456789]*) ;;
    *) refuse '--tail is not a number of lines' ;;
    esac
}

moment() {  # 1970 to 2199, UTC, nine digits after the point
    case $2 in
    19[789]@D@-@DATE@T@TIME@ | 2[01]@D@@D@-@DATE@T@TIME@) ;;
    *) refuse "$1 is not a time such as 2026-11-20T14:05:32.847869062Z" ;;
    esac
    case $2 in
    *-00-* | *-1[3456789]-* | *-00T* | *-3[23456789]T* | *T2[456789]:*) refuse "$1 is not a time" ;;
    2100-02-29T* | *-02-3* | *-0[469]-31T* | *-11-31T*) refuse "$1 is no day of the calendar" ;;
    ??[02468][048]-02-29T* | ??[13579][26]-02-29T*) ;;
    *-02-29T*) refuse "$1 is no day of the calendar" ;;
    esac
}

case $asked in
'')
    refuse 'no command; this key opens no shell'
    ;;
"$ps")
    run @PS_OPTIONS@ "$ps_format"
    ;;
"$stats")
    run @STATS_OPTIONS@ "$stats_format"
    ;;
"$inspect"*)
    names=${asked#"$inspect"}
    blanks "$names"
    set -- $names
    case $(($# > @MOST_CONTAINERS@)) in
    0) ;;
    *) refuse 'too many containers at once' ;;
    esac
    for name; do
        container "$name"
    done
    run @INSPECT_OPTIONS@ "$inspect_format" "$@"
    ;;
"$logs"*)
    words=${asked#"$logs"}
    blanks "$words"
    set -- $words
    case $1 in
    --tail) count "${2-}" && shift 2 ;;
    esac
    case ${1-} in
    --since) moment --since "${2-}" && shift 2 ;;
    esac
    case ${1-} in
    --until) moment --until "${2-}" && shift 2 ;;
    esac
    case $# in
    1) container "$1" ;;
    *) refuse 'not [--tail N] [--since TIME] [--until TIME] CONTAINER' ;;
    esac
    run @LOGS_OPTIONS@ $words
    ;;
esac
refuse 'not one of the commands that only read (docker ps, logs, inspect, stats, as LogSite writes them)'

/* SPDX-License-Identifier: BSD-2-Clause */
/* grok_names.c - what the usual names of grok stand for: constant.
 *
 * The names are those that operators know from elsewhere; the regexes are of here, made from what each is to fit.  They
 * back off little: what stands next to a number, an address or a name is looked at instead of tried. */
#define WEIR_API 1
#include "grok.h"

#define OCTET     "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define QUAD      OCTET "(?:\\." OCTET "){3}"
#define HEX       "[0-9A-Fa-f]"
#define PIECE     HEX "{1,4}" /* of an IPv6 address */
#define LABEL     "[0-9A-Za-z_](?:[0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?"
#define QUOTED(q) q "[^" q "\\\\]*+(?:\\\\.[^" q "\\\\]*+)*+" q
#define NUMBER    "[+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)"

/* Sorted by name (strcmp), as it is searched by halves; t-parse-grok looks at that. */
const struct grok_name grok_names[] = {
    {"BASE10NUM", "(?<![0-9.+-])" NUMBER "(?![0-9])"},
    {"BASE16FLOAT", "\\b[+-]?(?:0x)?(?:" HEX "+(?:\\." HEX "*)?|\\." HEX "+)\\b"},
    {"BASE16NUM", "(?<![0-9A-Fa-f])[+-]?(?:0x)?" HEX "+(?![0-9A-Fa-f])"},
    {"CISCOMAC", "(?:" HEX "{4}\\.){2}" HEX "{4}"},
    {"COMBINEDAPACHELOG", "%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}"},
    {"COMMONAPACHELOG",
     "%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \\[%{HTTPDATE:timestamp}\\] "
     "\"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})\" "
     "(?:%{NUMBER:response}|-) (?:%{NUMBER:bytes}|-)"},
    {"COMMONMAC", "(?:" HEX "{2}:){5}" HEX "{2}"},
    {"DATA", ".*?"},
    {"DATE", "%{DATE_US}|%{DATE_EU}"},
    {"DATESTAMP", "%{DATE}[- ]%{TIME}"},
    {"DATESTAMP_EVENTLOG", "[0-9]{4}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}"},
    {"DATESTAMP_OTHER", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"},
    {"DATESTAMP_RFC2822", "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}"},
    {"DATESTAMP_RFC822", "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"},
    {"DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"},
    {"DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"},
    {"DAY",
     "\\b(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)\\b"},
    {"EMAILADDRESS", "%{EMAILLOCALPART}@%{HOSTNAME}"},
    {"EMAILLOCALPART", "[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+(?:\\.[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+)*"},
    {"GREEDYDATA", ".*"},
    {"HOST", "%{HOSTNAME}"},
    {"HOSTNAME", "\\b" LABEL "(?:\\." LABEL ")*(?:\\.(?![0-9A-Za-z_-])|\\b)"},
    {"HOSTPORT", "%{IPORHOST}:%{POSINT}"},
    {"HOUR", "2[0-3]|[01]?[0-9]"},
    {"HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"},
    {"HTTPDUSER", "%{EMAILADDRESS}|%{USER}"},
    {"HTTPD_COMBINEDLOG", "%{COMBINEDAPACHELOG}"},
    {"HTTPD_COMMONLOG", "%{COMMONAPACHELOG}"},
    {"INT", "(?<![0-9])[+-]?[0-9]+(?![0-9])"},
    {"IP", "%{IPV4}|%{IPV6}"},
    {"IPORHOST", "%{IP}|%{HOSTNAME}"},
    {"IPV4", "(?<![0-9])" QUAD "(?![0-9])"},
    {"IPV6", "(?<![0-9A-Za-z:.])(?:(?:" PIECE ":){7}" PIECE "|(?:" PIECE ":){6}" QUAD "|(?:" PIECE
             ":){1,7}:|(?:" PIECE ":){1,6}:" PIECE "|(?:" PIECE ":){1,5}(?::" PIECE "){2}|(?:" PIECE
             ":){1,4}(?::" PIECE "){3}|(?:" PIECE ":){1,3}(?::" PIECE "){4}|(?:" PIECE ":){1,2}(?::" PIECE
             "){5}|" PIECE ":(?::" PIECE "){6}|:(?::" PIECE "){1,7}|::|(?:" PIECE ":){1,4}(?::" PIECE
             ")?:" QUAD "|::(?:" PIECE ":){0,5}" QUAD ")(?:%[0-9A-Za-z_.-]+)?(?![0-9A-Za-z:])"},
    {"ISO8601_SECOND", "%{SECOND}"},
    {"ISO8601_TIMEZONE", "Z|[+-]%{HOUR}(?::?%{MINUTE})?"},
    {"JAVACLASS", "(?:[A-Za-z_$][0-9A-Za-z_$]*\\.)*[A-Za-z_$][0-9A-Za-z_$]*"},
    {"JAVAFILE", "[0-9A-Za-z_. -]+"},
    {"JAVAMETHOD", "<init>|<clinit>|[A-Za-z_$][0-9A-Za-z_$]*"},
    {"LOGLEVEL",
     "\\b(?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|alert|emerg(?:ency)?|"
     "fatal|severe|panic)\\b"},
    {"MAC", "%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC}"},
    {"MINUTE", "[0-5][0-9]"},
    {"MONTH",
     "\\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
     "Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\\b"},
    {"MONTHDAY", "0[1-9]|[12][0-9]|3[01]|[1-9]"},
    {"MONTHNUM", "0[1-9]|1[0-2]|[1-9]"},
    {"MONTHNUM2", "0[1-9]|1[0-2]"},
    {"NONNEGINT", "\\b[0-9]+\\b"},
    {"NOTSPACE", "\\S+"},
    {"NUMBER", "%{BASE10NUM}"},
    {"PATH", "%{UNIXPATH}|%{WINPATH}"},
    {"POSINT", "\\b[1-9][0-9]*\\b"},
    {"PROG", "[!-Z\\\\^-~]+"}, /* printable, but no [ or ] */
    {"QS", "%{QUOTEDSTRING}"},
    {"QUOTEDSTRING", QUOTED("\"") "|" QUOTED("'") "|" QUOTED("`")},
    {"SECOND", "(?:[0-5]?[0-9]|60)(?:[.,:][0-9]+)?"},
    {"SPACE", "\\s*"},
    {"SYSLOGBASE",
     "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:"},
    {"SYSLOGFACILITY", "<%{NONNEGINT:facility}\\.%{NONNEGINT:priority}>"},
    {"SYSLOGHOST", "%{IPORHOST}"},
    {"SYSLOGPROG", "%{PROG:program}(?:\\[%{POSINT:pid}\\])?"},
    {"SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"},
    {"TIME", "(?<![0-9])(?:%{HOUR}):%{MINUTE}(?::%{SECOND})?(?![0-9])"},
    {"TIMESTAMP_ISO8601",
     "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?(?:%{ISO8601_TIMEZONE})?"},
    {"TTY", "/dev/(?:pts/[0-9]+|tty[0-9A-Za-z]*|console)"},
    {"TZ", "\\b(?:UTC|GMT|[A-Z]{1,2}(?:ST|DT|T)|[A-Z]{3,5})\\b"},
    {"UNIXPATH", "(?:/[0-9A-Za-z_%!$@:.,+~-]*)+"},
    {"URI", "%{URIPROTO}://(?:%{USER}(?::[^@/\\s]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?"},
    {"URIHOST", "%{IPORHOST}(?::%{POSINT})?|\\[%{IPV6}\\](?::%{POSINT})?"},
    {"URIPARAM", "\\?[^\\s\"<>]*"},
    {"URIPATH", "(?:/[0-9A-Za-z$.+!*'(){},~:;=@#%&_-]*)+"},
    {"URIPATHPARAM", "%{URIPATH}(?:%{URIPARAM})?"},
    {"URIPROTO", "[A-Za-z][0-9A-Za-z+.-]*"},
    {"USER", "%{USERNAME}"},
    {"USERNAME", "[0-9A-Za-z._-]+"},
    {"UUID", HEX "{8}-(?:" HEX "{4}-){3}" HEX "{12}"},
    {"WINDOWSMAC", "(?:" HEX "{2}-){5}" HEX "{2}"},
    {"WINPATH", "(?:[A-Za-z]:|\\\\)(?:\\\\[^\\\\?*<>|\"\\s]*)+"},
    {"WORD", "\\b\\w+\\b"},
    {"YEAR", "(?<![0-9])[0-9]{2}(?:[0-9]{2})?(?![0-9])"},
};
const size_t grok_names_count = sizeof grok_names / sizeof *grok_names;

/* SPDX-License-Identifier: MIT */
/* origin.c - compares origins without a URL parser: they have three parts. */
#include "server/auth/origin.h"

#include <ctype.h>
#include <string.h>

#define BETWEEN ", \t"

/** Longest word or header that is looked at. */
#define ORIGIN_MAX 300u

/** scheme://host:port; also host:port, whose scheme is empty. */
typedef struct origin {
  gw_view scheme;
  gw_view host;  /**< IPv6 with its brackets */
  uint32_t port; /**< 0: it names none */
} origin;

/* ---- texts ------------------------------------------------------------------ */

static bool equal(gw_view a, gw_view b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++) {
    if (tolower(a.data[i]) != tolower(b.data[i])) return false;
  }
  return true;
}

static bool is(gw_view v, const char *text) {
  return equal(v, gw_view_of(text));
}

static bool ends_with(gw_view v, gw_view end) {
  if (v.len <= end.len) return false;
  return equal((gw_view){v.data + v.len - end.len, end.len}, end);
}

/** The next word of a list; false after the last. */
static bool next_word(const char **list, gw_view *word) {
  const char *at = *list + strspn(*list, BETWEEN);
  *word = (gw_view){(const uint8_t *)at, strcspn(at, BETWEEN)};
  *list = at + word->len;
  return word->len != 0;
}

/* ---- parts ------------------------------------------------------------------ */

static bool is_host_char(uint8_t c) {
  return isalnum(c) || (c != '\0' && strchr(".-_[]:*", c) != NULL);
}

static bool read_port(gw_view digits, uint32_t *port) {
  *port = 0;
  if (digits.len == 0 || digits.len > 5) return false;
  for (size_t i = 0; i < digits.len; i++) {
    if (!isdigit(digits.data[i])) return false;
    *port = *port * 10 + (uint32_t)(digits.data[i] - '0');
  }
  return *port != 0 && *port <= UINT16_MAX;
}

/** host or host:port. */
static bool read_authority(gw_view text, origin *o) {
  size_t len = text.len;
  for (size_t i = 0; i < text.len; i++) {
    if (!is_host_char(text.data[i])) return false;
  }
  /* The last colon, unless it belongs to an IPv6 address. */
  while (len > 0 && text.data[len - 1] != ':' && text.data[len - 1] != ']')
    len--;
  bool has_port = len > 0 && text.data[len - 1] == ':';
  o->port = 0;
  o->host = text;
  if (has_port) {
    o->host.len = len - 1;
    if (!read_port((gw_view){text.data + len, text.len - len}, &o->port))
      return false;
  }
  bool is_v6 = o->host.len > 2 && o->host.data[0] == '[' &&
               o->host.data[o->host.len - 1] == ']';
  return o->host.len != 0 &&
         (is_v6 || memchr(o->host.data, ':', o->host.len) == NULL);
}

static bool is_of_scheme(uint8_t c) {
  return isalnum(c) || c == '+' || c == '-' || c == '.';
}

static bool read_origin(gw_view text, origin *o) {
  size_t at = 0;
  *o = (origin){.port = 0};
  if (text.len == 0 || text.len > ORIGIN_MAX) return false;
  while (at + 3 <= text.len && memcmp(text.data + at, "://", 3) != 0)
    at++;
  if (at + 3 > text.len) return read_authority(text, o);
  o->scheme = (gw_view){text.data, at};
  for (size_t i = 0; i < at; i++)
    if (!is_of_scheme(text.data[i])) return false;
  return at != 0 &&
         read_authority((gw_view){text.data + at + 3, text.len - at - 3}, o);
}

static uint32_t usual_port(gw_view scheme) {
  if (is(scheme, "http")) return 80;
  return is(scheme, "https") ? 443 : 0;
}

/** The port that an origin stands for. */
static uint32_t port_of(const origin *o) {
  return o->port != 0 ? o->port : usual_port(o->scheme);
}

/* ---- rules ------------------------------------------------------------------ */

/** A web page's origin has http or https; others are apps', and have to be listed
 * with their scheme. */
static bool is_web(const origin *o) {
  return usual_port(o->scheme) != 0;
}

static bool is_same(const origin *o, gw_view host) {
  origin h;
  if (!is_web(o) || !read_authority(host, &h) || !equal(o->host, h.host))
    return false;
  /* Behind a proxy that ends TLS the request does not show the scheme. */
  return port_of(o) == (h.port != 0 ? h.port : usual_port(o->scheme));
}

/** 127.0.0.0/8, written with digits. */
static bool is_loopback(gw_view host) {
  static const char net[] = "127.";
  if (host.len < sizeof net || memcmp(host.data, net, sizeof net - 1) != 0)
    return false;
  for (size_t i = 0; i < host.len; i++) {
    if (!isdigit(host.data[i]) && host.data[i] != '.') return false;
  }
  return true;
}

static bool is_local(const origin *o) {
  return is(o->host, "localhost") || is(o->host, "[::1]") ||
         ends_with(o->host, gw_view_of(".localhost")) || is_loopback(o->host);
}

/** Whether a listed origin, which may begin with "*.", stands for o. */
static bool matches(const origin *listed, const origin *o) {
  bool is_wild = listed->host.len > 2 && listed->host.data[0] == '*';
  bool is_host = is_wild ? ends_with(o->host, (gw_view){listed->host.data + 1,
                                                        listed->host.len - 1})
                         : equal(listed->host, o->host);
  if (listed->scheme.len == 0)
    return is_host && is_web(o) &&
           (listed->port != 0 ? listed->port : usual_port(o->scheme)) ==
               port_of(o);
  return is_host && equal(listed->scheme, o->scheme) &&
         port_of(listed) == port_of(o);
}

static bool is_special(gw_view word) {
  return is(word, "*") || is(word, "same") || is(word, "localhost") ||
         is(word, "null");
}

/** A star stands for the labels in front of a name, and nowhere else. */
static bool is_pattern(const origin *o) {
  const uint8_t *star = memchr(o->host.data, '*', o->host.len);
  if (star == NULL) return true;
  return star == o->host.data && o->host.len > 3 && star[1] == '.' &&
         memchr(star + 2, '.', o->host.len - 2) != NULL &&
         memchr(star + 1, '*', o->host.len - 1) == NULL;
}

int gw_origins_check(const char *list, gw_view *bad) {
  origin o;
  while (next_word(&list, bad)) {
    if (is_special(*bad)) continue;
    if (!read_origin(*bad, &o) || !is_pattern(&o)) return GW_ERR_INVALID;
  }
  return 0;
}

bool gw_origins_has(const char *list, const char *word) {
  gw_view one;
  while (next_word(&list, &one)) {
    if (is(one, word)) return true;
  }
  return false;
}

static bool is_covered(gw_view word, gw_view text, const origin *o,
                       gw_view host) {
  origin listed;
  if (is(word, "*")) return true;
  if (is(word, "null")) return is(text, "null");
  if (o == NULL) return false;
  if (is(word, "same")) return is_same(o, host);
  if (is(word, "localhost")) return is_local(o);
  return read_origin(word, &listed) && matches(&listed, o);
}

bool gw_origin_is_allowed(const char *list, gw_view text, gw_view host) {
  origin o;
  gw_view word;
  /* "null" is no origin, and so is what cannot be read or has no scheme. */
  bool is_origin = read_origin(text, &o) && o.scheme.len != 0 &&
                   memchr(o.host.data, '*', o.host.len) == NULL;
  while (next_word(&list, &word)) {
    if (is_covered(word, text, is_origin ? &o : NULL, host)) return true;
  }
  return false;
}

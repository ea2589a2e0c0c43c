/* SPDX-License-Identifier: MIT */
/* claims.c - reads and checks what a token says. */
#include "server/auth/claims.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Seconds since 1970 at most: the end of the year 9999. */
#define SECONDS_MAX 253402300799.0

/** One token that is being read. */
typedef struct reading {
  gw_claims *c;
  const gw_claim_rules *rules;
  uint64_t now_ms;
  char *why;
} reading;

static uint32_t invalid(const reading *r, const char *text, const char *claim) {
  (void)snprintf(r->why, GW_AUTH_WHY_MAX, text, claim);
  return GW_CODE_TOKEN_INVALID;
}

static gw_view text_of(const json_t *value) {
  return (gw_view){(const uint8_t *)json_string_value(value),
                   json_string_length(value)};
}

static bool has_word(const char *words, gw_view word) {
  static const char between[] = ", \t";
  for (words += strspn(words, between); *words != '\0';
       words += strspn(words, between)) {
    gw_view one = {(const uint8_t *)words, strcspn(words, between)};
    if (gw_view_eq(one, word)) return true;
    words += one.len;
  }
  return false;
}

/* ---- time ------------------------------------------------------------------ */

/** A NumericDate; 0 when it is not there. */
static uint32_t read_time(const reading *r, const char *claim,
                          uint64_t *time_ms) {
  const json_t *value = json_object_get(r->c->payload, claim);
  *time_ms = 0;
  if (value == NULL) return GW_CODE_OK;
  double seconds = json_number_value(value);
  if (!json_is_number(value) || !(seconds > 0 && seconds <= SECONDS_MAX))
    return invalid(r, "its claim %s is no time", claim);
  *time_ms = (uint64_t)(seconds * 1000);
  return GW_CODE_OK;
}

static uint32_t check_expiry(const reading *r) {
  gw_claims *c = r->c;
  uint64_t leeway = r->rules->leeway_ms, longest = r->rules->max_lifetime_ms;
  uint32_t code = read_time(r, "exp", &c->expires_ms);
  if (code != GW_CODE_OK) return code;
  if (c->expires_ms != 0) c->expires_ms += leeway;
  if (c->expires_ms != 0 && c->expires_ms <= r->now_ms) {
    (void)snprintf(r->why, GW_AUTH_WHY_MAX, "it expired %" PRIu64 " s ago",
                   (r->now_ms - c->expires_ms + leeway) / 1000);
    return GW_CODE_TOKEN_EXPIRED;
  }
  if (longest == 0) return GW_CODE_OK;
  if (c->expires_ms == 0)
    return invalid(r, "it has no end (%s), and may not live for ever", "exp");
  if (c->expires_ms > r->now_ms + longest + 2 * leeway)
    return invalid(r, "its %s is farther away than a token may live", "exp");
  return GW_CODE_OK;
}

static uint32_t check_beginning(const reading *r) {
  uint64_t leeway = r->rules->leeway_ms, not_before_ms = 0;
  uint32_t code = read_time(r, "nbf", &not_before_ms);
  if (code == GW_CODE_OK) code = read_time(r, "iat", &r->c->issued_ms);
  if (code != GW_CODE_OK) return code;
  if (not_before_ms > r->now_ms + leeway)
    return invalid(r, "it is not valid yet (%s)", "nbf");
  /* It would outlive revocations. */
  if (r->c->issued_ms > r->now_ms + leeway)
    return invalid(r, "it was issued in the future (%s)", "iat");
  return GW_CODE_OK;
}

/* ---- parties --------------------------------------------------------------- */

static uint32_t check_issuer(const reading *r) {
  const char *issuer = r->rules->issuer;
  gw_view iss = text_of(json_object_get(r->c->payload, "iss"));
  if (*issuer == '\0' || gw_view_eq(gw_view_of(issuer), iss)) return GW_CODE_OK;
  return invalid(r, "it is from another issuer (%s)", "iss");
}

static uint32_t check_audience(const reading *r) {
  const json_t *aud = json_object_get(r->c->payload, "aud");
  const char *words = r->rules->audience;
  bool is_named = has_word(words, text_of(aud));
  for (size_t i = 0; i < json_array_size(aud) && !is_named; i++)
    is_named = has_word(words, text_of(json_array_get(aud, i)));
  /* Who is not named in aud must refuse (RFC 7519, section 4.1.3), and so must
   * who has no name. */
  if (is_named || (aud == NULL && *words == '\0')) return GW_CODE_OK;
  return invalid(r, "it is for another audience (%s)", "aud");
}

/* ---- whom it is about ------------------------------------------------------ */

static uint32_t read_user(const reading *r) {
  gw_claims *c = r->c;
  const json_t *user = json_object_get(c->payload, r->rules->user);
  if (json_is_integer(user)) {
    int len = snprintf(c->digits, sizeof c->digits, "%" JSON_INTEGER_FORMAT,
                       json_integer_value(user));
    c->user = (gw_view){(const uint8_t *)c->digits, (size_t)len};
    return GW_CODE_OK;
  }
  c->user = text_of(user);
  if (user == NULL || (json_is_string(user) && gw_view_is_text(c->user) &&
                       c->user.len <= GW_MAX_USER_BYTES))
    return GW_CODE_OK;
  return invalid(r, "its user (%s) is no text, or too long", r->rules->user);
}

/** Names that are not valid are told to the log when they are subscribed to. */
static uint32_t read_channels(const reading *r) {
  gw_claims *c = r->c;
  const json_t *list = json_object_get(c->payload, r->rules->channels);
  size_t num = json_array_size(list);
  if (list != NULL && !json_is_array(list))
    return invalid(r, "its channels (%s) are no list", r->rules->channels);
  if (num != 0) c->channels = calloc(num, sizeof *c->channels);
  if (num != 0 && c->channels == NULL)
    return invalid(r, "there is no memory for its %s", r->rules->channels);
  for (; c->num_channels < num; c->num_channels++) {
    const json_t *name = json_array_get(list, c->num_channels);
    if (!json_is_string(name))
      return invalid(r, "its channels (%s) are no names", r->rules->channels);
    c->channels[c->num_channels] = text_of(name);
  }
  return GW_CODE_OK;
}

static uint32_t read_channel(const reading *r) {
  gw_claims *c = r->c;
  const json_t *channel = json_object_get(c->payload, r->rules->channel);
  c->channel = text_of(channel);
  if (channel != NULL &&
      (c->channel.len == 0 || c->channel.len > GW_MAX_CHANNEL_BYTES))
    return invalid(r, "its channel (%s) is no name of one", r->rules->channel);
  return GW_CODE_OK;
}

static uint32_t read_rest(const reading *r) {
  gw_claims *c = r->c;
  const json_t *info = json_object_get(c->payload, r->rules->info);
  const json_t *jti = json_object_get(c->payload, "jti");
  c->jti = text_of(jti);
  if (jti != NULL && !json_is_string(jti))
    return invalid(r, "its id (%s) is no text", "jti");
  if (info == NULL || json_is_null(info)) return GW_CODE_OK;
  c->info = json_dumps(info, JSON_COMPACT | JSON_ENCODE_ANY);
  c->info_len = c->info != NULL ? strlen(c->info) : 0;
  if (c->info_len != 0 && c->info_len <= GW_MAX_INFO_BYTES) return GW_CODE_OK;
  return invalid(r, "its %s is too long", r->rules->info);
}

/* ---- the whole ------------------------------------------------------------- */

uint32_t gw_claims_read(gw_claims *c, json_t *payload,
                        const gw_claim_rules *rules, uint64_t now_ms,
                        char why[GW_AUTH_WHY_MAX]) {
  reading r = {c, rules, now_ms, why};
  *c = (gw_claims){.payload = payload};
  if (payload == NULL)
    return invalid(&r, "its payload is no JSON%s", " object");
  uint32_t code = check_expiry(&r);
  if (code == GW_CODE_OK) code = check_beginning(&r);
  if (code == GW_CODE_OK) code = check_issuer(&r);
  if (code == GW_CODE_OK) code = check_audience(&r);
  if (code == GW_CODE_OK) code = read_user(&r);
  if (code == GW_CODE_OK) code = read_channel(&r);
  if (code == GW_CODE_OK) code = read_channels(&r);
  if (code == GW_CODE_OK) code = read_rest(&r);
  return code;
}

void gw_claims_deinit(gw_claims *c) {
  json_decref(c->payload);
  free(c->channels);
  free(c->info);
  *c = (gw_claims){.payload = NULL};
}

/* SPDX-License-Identifier: MIT */
/* jws.c - takes a signed token apart. */
#include "server/auth/jws.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE64URL sodium_base64_VARIANT_URLSAFE_NO_PADDING

static int fail(char *why, const char *text) {
  (void)snprintf(why, GW_AUTH_WHY_MAX, "%s", text);
  return GW_ERR_INVALID;
}

/** What stands before the next dot, or before the end; the rest moves on. */
static gw_view next_part(gw_view *rest) {
  const uint8_t *dot =
      rest->len != 0 ? memchr(rest->data, '.', rest->len) : NULL;
  gw_view part = *rest;
  if (dot != NULL) part.len = (size_t)(dot - rest->data);
  size_t used = part.len + (dot != NULL);
  rest->data += used;
  rest->len -= used;
  return part;
}

/** A JSON object that stands in base64url; NULL. */
static json_t *object_of(gw_view part) {
  size_t room = part.len / 4 * 3 + 3, len = 0;
  char *text = malloc(room);
  json_t *object = NULL;
  if (text != NULL &&
      sodium_base642bin((uint8_t *)text, room, (const char *)part.data,
                        part.len, NULL, &len, NULL, BASE64URL) == 0)
    object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
  free(text);
  if (json_is_object(object)) return object;
  json_decref(object);
  return NULL;
}

static int check_header(gw_jws *jws, char *why) {
  const json_t *name = json_object_get(jws->header, "alg");
  gw_view alg = {(const uint8_t *)json_string_value(name),
                 json_string_length(name)};
  int known = gw_alg_find(alg);
  if (known < 0) return fail(why, "its algorithm is none that is taken here");
  jws->alg = (enum gw_alg)known;
  if (json_object_get(jws->header, "crit") != NULL)
    return fail(why, "it has extensions that must be understood (crit)");
  const json_t *kid = json_object_get(jws->header, "kid");
  if (kid != NULL &&
      (!json_is_string(kid) || json_string_length(kid) > GW_JWS_KID_MAX))
    return fail(why, "its kid is no text, or too long");
  return 0;
}

int gw_jws_parse(gw_jws *jws, gw_view token, char why[GW_AUTH_WHY_MAX]) {
  gw_view rest = token;
  gw_view header = next_part(&rest), payload = next_part(&rest);
  *jws = (gw_jws){.signed_text = {token.data, header.len + 1 + payload.len},
                  .payload = payload};
  if (header.len == 0 || payload.len == 0 || rest.len == 0 ||
      sodium_base642bin(jws->signature, sizeof jws->signature,
                        (const char *)rest.data, rest.len, NULL,
                        &jws->signature_len, NULL, BASE64URL) != 0)
    return fail(why, "it is no signed token (header.payload.signature)");
  jws->header = object_of(header);
  if (jws->header == NULL) return fail(why, "its header is no JSON object");
  return check_header(jws, why);
}

void gw_jws_deinit(gw_jws *jws) {
  json_decref(jws->header);
  jws->header = NULL;
}

json_t *gw_jws_payload(const gw_jws *jws) {
  return object_of(jws->payload);
}

gw_view gw_jws_kid(const gw_jws *jws) {
  const json_t *kid = json_object_get(jws->header, "kid");
  return (gw_view){(const uint8_t *)json_string_value(kid),
                   json_string_length(kid)};
}

/* SPDX-License-Identifier: MIT */
/* auth_link.c - who asks has to be known. The rules of channels are the core's;
 * this stands in front of them, and of what has no rules: pages and upgrades. */
#include "server/middleware/auth_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/config/config.h"
#include "server/core/revocation.h"
#include "server/edge/paths.h"
#include "server/edge/request.h"
#include "server/observe/wall_clock.h"

#define BEARER "Bearer "

struct gw_auth_link {
  gw_auth_link_options options;
  uint64_t frames; /* bits by enum gw_frame_type */
};

/* ---- life ------------------------------------------------------------------- */

_Static_assert(GW_FRAME_SEND < 64, "frames are bits");

static const struct {
  const char *word;
  uint64_t frames;
} kinds[] = {
    {"subscribe", UINT64_C(1) << GW_FRAME_SUBSCRIBE},
    {"publish", UINT64_C(1) << GW_FRAME_PUBLISH},
    {"rpc", UINT64_C(1) << GW_FRAME_RPC},
    {"presence", UINT64_C(1) << GW_FRAME_PRESENCE_SET |
                     UINT64_C(1) << GW_FRAME_PRESENCE_GET},
    {"send", UINT64_C(1) << GW_FRAME_SEND},
};

/** 0: there is no such word. */
static uint64_t frames_of(const char *word) {
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(word, kinds[i].word) == 0) return kinds[i].frames;
  }
  return 0;
}

static bool read_frames(gw_auth_link *l, char *why) {
  char word[GW_CONFIG_WORD_MAX];
  for (const char *at = l->options.frames; gw_config_next_word(&at, word);) {
    uint64_t frames = frames_of(word);
    l->frames |= frames;
    if (frames != 0) continue;
    snprintf(why, GW_AUTH_LINK_WHY_MAX,
             "auth.frames: there is no '%.60s', only subscribe, publish, rpc, "
             "presence and send",
             word);
    return false;
  }
  return true;
}

static bool check_options(const gw_auth_link_options *o, char *why) {
  const char *sentence = NULL;
  if (*o->requests == '\0' && *o->frames == '\0')
    sentence = "middleware: auth demands nothing without auth.requests or "
               "auth.frames";
  else if (*o->requests != '\0' && o->keystore == NULL)
    sentence = "auth.requests: tokens are not checked without a key, such as "
               "auth.jwt.secret";
  if (sentence != NULL) snprintf(why, GW_AUTH_LINK_WHY_MAX, "%s", sentence);
  return sentence == NULL;
}

int gw_auth_link_new(gw_auth_link **link, const gw_auth_link_options *options,
                     char why[GW_AUTH_LINK_WHY_MAX]) {
  gw_auth_link *l = *link = calloc(1, sizeof *l);
  snprintf(why, GW_AUTH_LINK_WHY_MAX, "out of memory");
  if (l == NULL) return GW_ERR_NOMEM;
  l->options = *options;
  if (check_options(options, why) && read_frames(l, why)) return 0;
  gw_auth_link_free(l);
  *link = NULL;
  return GW_ERR_INVALID;
}

void gw_auth_link_free(gw_auth_link *link) {
  free(link);
}

/* ---- requests --------------------------------------------------------------- */

/** Empty: there is none. */
static gw_view token_of(const gw_auth_link *l, const gw_request *r) {
  size_t skip = strlen(BEARER);
  gw_view v = gw_request_get(r, GW_REQUEST_HEADER, "authorization");
  if (v.len > skip && strncasecmp((const char *)v.data, BEARER, skip) == 0)
    return (gw_view){v.data + skip, v.len - skip};
  if (*l->options.cookie == '\0') return (gw_view){NULL, 0};
  return gw_request_cookie(r, l->options.cookie);
}

static bool is_revoked(const gw_request *r, const gw_claims *c, gw_view token) {
  const gw_verdict v = {.token_id = gw_token_id(c->jti, token),
                        .issued_ms = c->issued_ms};
  return gws_is_revoked(gw_request_hub(r), &v, c->user);
}

/** *is_over: the key was fetched meanwhile. */
static uint32_t try_token(const gw_auth_link *l, const gw_request *r,
                          gw_view token, bool *is_over) {
  gw_claims claims;
  char why[GW_AUTH_WHY_MAX];
  uint64_t wait_ms, fetch = 0;
  gw_keyring *ring = gw_keystore_ring(l->options.keystore);
  uint32_t code =
      gw_token_check(ring, l->options.rules, token, gw_wall_ms(), &claims, why);
  /* One for a channel opens that. */
  if (code == GW_CODE_OK && claims.channel.len != 0)
    code = GW_CODE_TOKEN_INVALID;
  if (code == GW_CODE_OK && is_revoked(r, &claims, token))
    code = GW_CODE_TOKEN_REVOKED;
  gw_claims_deinit(&claims);
  if (code == GW_CODE_AUTH_UNAVAILABLE) {
    fetch = gw_keystore_want(l->options.keystore, ring, &wait_ms);
    if (fetch == 0) code = GW_CODE_TOKEN_INVALID;
  }
  gw_keyring_unref(ring);
  *is_over = fetch == GW_KEYSTORE_CHANGED;
  return code;
}

/** With the keys that there are: a request does not wait for others. */
static uint32_t check(const gw_auth_link *l, const gw_request *r,
                      gw_view token) {
  bool is_over;
  uint32_t code;
  do {
    code = try_token(l, r, token, &is_over);
  } while (is_over);
  return code;
}

static bool on_request(void *user, const gw_request *r, gw_refusal *refusal) {
  const gw_auth_link *l = user;
  if (!gw_paths_match(l->options.requests, gw_request_path(r))) return true;
  gw_view token = token_of(l, r);
  uint32_t code = token.len != 0 ? check(l, r, token) : GW_CODE_TOKEN_INVALID;
  *refusal = (gw_refusal){.code = code, .status = 401};
  if (token.len == 0) refusal->message = "this needs a token";
  if (code == GW_CODE_AUTH_UNAVAILABLE) {
    refusal->status = 503;
    refusal->retry_after_ms = 1000;
  }
  return code == GW_CODE_OK;
}

/* ---- frames ----------------------------------------------------------------- */

static bool on_frame(void *user, gw_connection *c, const gw_frame_view *frame,
                     gw_refusal *refusal) {
  const gw_auth_link *l = user;
  if (frame->type >= 64 || (l->frames >> frame->type & 1u) == 0 ||
      gw_connection_is_known(c))
    return true;
  *refusal = (gw_refusal){.code = GW_CODE_PERMISSION_DENIED,
                          .message = "this is for users that are known"};
  return false;
}

const gw_middleware gw_auth_link_link = {.size = sizeof(gw_middleware),
                                         .name = "auth",
                                         .on_request = on_request,
                                         .on_frame = on_frame};

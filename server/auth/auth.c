/* SPDX-License-Identifier: MIT */
/* auth.c - which authenticator there is, and the one that believes anybody. */
#include "server/auth/auth.h"

#include <stdlib.h>

bool gw_auth_is_configured(const gw_auth_settings *s) {
  return *s->secret != '\0' || *s->secret_file != '\0' ||
         *s->key_file != '\0' || *s->jwks_file != '\0' || *s->jwks_url != '\0';
}

/* ---- none ------------------------------------------------------------------ */

static bool ask_none(gw_auth *a, const gw_question *q, gw_verdict *v) {
  (void)a;
  if (q->kind == GW_ASK_SUBSCRIBE || q->kind == GW_ASK_SUBSCRIPTION_REFRESH) {
    /* Better closed than open to any token. */
    v->code = GW_CODE_TOKEN_INVALID;
    v->message = gw_view_of("nobody here can check tokens");
    return true;
  }
  v->user = q->user;
  v->is_claim = true;
  return true;
}

static void do_nothing(gw_auth *a) {
  (void)a;
}

static uint64_t never(const gw_auth *a) {
  (void)a;
  return UINT64_MAX;
}

static void free_none(gw_auth *a) {
  free(a);
}

gw_auth *gw_auth_none_new(void) {
  static const gw_auth_ops ops = {"none", ask_none, do_nothing, never,
                                  free_none};
  gw_auth *a = calloc(1, sizeof *a);
  if (a != NULL) a->ops = &ops;
  return a;
}

/* SPDX-License-Identifier: MIT */
/* auth.c - whether there is an authenticator. */
#include "server/auth/auth.h"

bool gw_auth_is_configured(const gw_auth_settings *s) {
  return *s->secret != '\0' || *s->secret_file != '\0' ||
         *s->key_file != '\0' || *s->jwks_file != '\0' || *s->jwks_url != '\0';
}

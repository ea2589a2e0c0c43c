/* SPDX-License-Identifier: MIT */
/* sign.h - signatures of hooks: who has the secret can tell that a request is
 * from this server, and fresh. */
#ifndef GODWIT_HOOKS_SIGN_H
#define GODWIT_HOOKS_SIGN_H

#include "godwit/wire.h"

/** Hexadecimal HMAC-SHA256, with its end. */
#define GW_HOOK_SIGNATURE_CHARS 65u

/** HMAC-SHA256 over the time in decimal digits, a dot, and the body. */
void gw_hook_sign(const char *secret, uint64_t time_s, gw_view body,
                  char signature[GW_HOOK_SIGNATURE_CHARS]);

#endif

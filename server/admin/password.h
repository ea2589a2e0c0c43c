/* SPDX-License-Identifier: MIT */
/* password.h - passwords of administrators: scrypt (RFC 7914), as one word of
 * text that can stand in a configuration. No random source and no clock. */
#ifndef GODWIT_ADMIN_PASSWORD_H
#define GODWIT_ADMIN_PASSWORD_H

#include "godwit/wire.h"

/** Bytes of a password. Shorter ones are guessed; longer ones nobody types. */
#define GW_PASSWORD_MIN 12u
#define GW_PASSWORD_MAX 256u

/** Cost as the binary logarithm of scrypt's N. The usual one takes 32 MiB and a
 * quarter of a second with the other two parameters, as OWASP recommends. */
#define GW_PASSWORD_COST     15u
#define GW_PASSWORD_COST_MIN 14u
#define GW_PASSWORD_COST_MAX 18u
#define GW_PASSWORD_R        8u
#define GW_PASSWORD_P        3u
/** What a hash may take, so that a line of the configuration cannot ask for more
 * memory or time than a server has: N * r * 128 bytes, p times. */
#define GW_PASSWORD_BYTES_MAX (256u * 1024u * 1024u)
#define GW_PASSWORD_P_MAX     16u

#define GW_PASSWORD_SALT_BYTES 16u
#define GW_PASSWORD_HASH_BYTES 32u

/** Room for the text: scrypt$COST$R$P$SALT$HASH, the last two in base64url. */
#define GW_PASSWORD_TEXT_MAX 128u

typedef struct gw_password {
  uint32_t cost;
  uint32_t r;
  uint32_t p;
  uint8_t salt[GW_PASSWORD_SALT_BYTES];
  uint8_t hash[GW_PASSWORD_HASH_BYTES];
} gw_password;

/** Read the text. 0, GW_ERR_INVALID: it is none, or asks for too much or too
 * little. */
GW_MUST_USE int gw_password_read(gw_password *p, const char *text);
void gw_password_write(const gw_password *p, char text[GW_PASSWORD_TEXT_MAX]);

/** Hash a password with the usual parameters and this cost and salt. 0,
 * GW_ERR_NOMEM. Takes long: not on a loop that others wait for. */
GW_MUST_USE int gw_password_make(gw_password *p, uint32_t cost,
                                 const uint8_t salt[GW_PASSWORD_SALT_BYTES],
                                 gw_view password);

/** Whether it is this password: 1 or 0, GW_ERR_NOMEM. Takes as long as making
 * it; the comparison takes the same time for any. On any thread. */
GW_MUST_USE int gw_password_check(const gw_password *p, gw_view password);

#endif

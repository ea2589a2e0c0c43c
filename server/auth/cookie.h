/* SPDX-License-Identifier: MIT */
/* cookie.h - one cookie of a request. */
#ifndef GODWIT_AUTH_COOKIE_H
#define GODWIT_AUTH_COOKIE_H

#include "godwit/wire.h"

/** The value of the first cookie of this name in the header Cookie, without
 * quotes around it; empty when there is none. libwebsockets has such a function,
 * which also takes the end of another cookie's name for the name. */
gw_view gw_cookie_find(gw_view header, const char *name);

#endif

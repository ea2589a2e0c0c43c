/* SPDX-License-Identifier: MIT */
/* publish_check.h - whether a publication is sound, and fits its namespace. */
#ifndef GODWIT_SERVER_PUBLISH_CHECK_H
#define GODWIT_SERVER_PUBLISH_CHECK_H

#include "server/core/problem.h"
#include "server/core/settings.h"

/**
 * Look at all that a publisher has a choice in, but for the channel's name.
 *   returns  GW_CODE_OK; BAD_REQUEST, BAD_TEXT, TOO_BIG, UNSUPPORTED,
 *            SCHEMA_MISMATCH, INTERNAL (out of memory): *p says what is wrong
 *            with which field
 *   thread   any
 */
uint32_t gws_publish_check(const gw_namespace *ns, const gw_publish *msg,
                           gws_problem *p);

#endif

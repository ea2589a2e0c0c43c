/* SPDX-License-Identifier: MIT */
/* page.h - the files of the page for administrators, built into the binary: it has
 * to work where nothing is installed beside it. */
#ifndef GODWIT_ADMIN_PAGE_H
#define GODWIT_ADMIN_PAGE_H

#include "godwit/wire.h"

/** What the page may do: its own scripts, styles and requests, and nothing else. */
#define GW_ADMIN_PAGE_CSP                                     \
  "default-src 'none'; script-src 'self'; style-src 'self'; " \
  "img-src 'self'; connect-src 'self'; base-uri 'none'; "     \
  "frame-ancestors 'none'; form-action 'none'; "              \
  "require-trusted-types-for 'script'"

typedef struct gw_admin_file {
  const char *name; /**< as in server/admin/page/ */
  const char *type; /**< media type */
  gw_view bytes;
} gw_admin_file;

/** NULL: there is no such file. */
const gw_admin_file *gw_admin_page_find(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/* page.c - the table that gen_page.py makes of server/admin/page/, and nothing
 * else: tools that read sources need long for its bytes. */
#include "server/admin/page.h"

#include <string.h>

#include "admin_page.inc"

const gw_admin_file *gw_admin_page_find(const char *name) {
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    if (strcmp(files[i].name, name) == 0) return &files[i];
  return NULL;
}

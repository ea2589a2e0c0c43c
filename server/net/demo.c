/* SPDX-License-Identifier: MIT */
/* demo.c - looks for two folders beside the binary, and where they are
 * installed. */
#include "server/net/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULES "godwit.yaml"

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool take_folder(const char *base, const char *name,
                        char folder[GW_DEMO_PATH_MAX]) {
  char path[2 * GW_DEMO_PATH_MAX], real[GW_DEMO_PATH_MAX];
  int n = snprintf(path, sizeof path, "%s/%s", base, name);
  if (n < 0 || (size_t)n >= sizeof path || !is_folder(path)) return false;
  char *resolved = realpath(path, NULL);
  if (!resolved) return false;
  bool fits = strlen(resolved) < sizeof real;
  if (fits) memcpy(folder, resolved, strlen(resolved) + 1);
  free(resolved);
  return fits;
}

/* The folder of the binary; build/godwit and build/san/godwit lie below the
 * tree, an installed one in PREFIX/bin. */
static void binary_folder(char base[GW_DEMO_PATH_MAX]) {
  ssize_t n = readlink("/proc/self/exe", base, GW_DEMO_PATH_MAX - 1);
  base[n > 0 ? n : 0] = '\0';
  char *slash = strrchr(base, '/');
  if (slash) *slash = '\0';
}

static bool find(const char *in_tree, const char *installed,
                 char folder[GW_DEMO_PATH_MAX]) {
  char base[GW_DEMO_PATH_MAX], up[GW_DEMO_PATH_MAX + 16];
  static const char *const ups[] = {"..", "../.."};
  binary_folder(base);
  for (size_t i = 0; i < 2; i++) {
    snprintf(up, sizeof up, "%s/%s", base, ups[i]);
    if (take_folder(up, in_tree, folder)) return true;
  }
  snprintf(up, sizeof up, "%s/..", base);
  return take_folder(".", in_tree, folder) ||
         take_folder(up, installed, folder);
}

/* The configuration that pages bring along. */
static void take_rules(gw_demo *d) {
  char path[GW_DEMO_PATH_MAX + sizeof "/" RULES];
  int n = snprintf(path, sizeof path, "%s/" RULES, d->pages);
  if (n < 0 || (size_t)n >= sizeof d->rules || access(path, R_OK) != 0) return;
  memcpy(d->rules, path, (size_t)n + 1);
}

static int find_pages(gw_demo *d, const char *pages, char *why,
                      size_t why_len) {
  char base[GW_DEMO_PATH_MAX];
  if (pages) {
    if (take_folder(pages, ".", d->pages)) return 0;
    snprintf(why, why_len, "--demo: '%.200s' is no folder", pages);
    return GW_ERR_NOT_FOUND;
  }
  if (find("examples/demo", "share/godwit/demo", d->pages)) return 0;
  binary_folder(base);
  snprintf(why, why_len,
           "the demo is neither in examples/demo here, nor above %.200s, nor "
           "installed; name its folder with --demo",
           base);
  return GW_ERR_NOT_FOUND;
}

int gw_demo_find(gw_demo *d, const char *pages, char *why, size_t why_len) {
  *d = (gw_demo){{0}, {0}, {0}};
  if (!find("wasm/dist", "share/godwit/sdk", d->sdk)) d->sdk[0] = '\0';
  int err = find_pages(d, pages, why, why_len);
  if (err == 0) take_rules(d);
  return err;
}

/* SPDX-License-Identifier: MIT */
/* config_fuzz.c - any bytes as godwit.yaml or, behind a first byte 'f', as flags,
 * one a line. What is refused is told with a line that says why; what is taken
 * can be asked for its routes and addresses. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/config/config.h"
#include "server/edge/route.h"
#include "tests/fuzz/support/node.h"

#define MAX_FLAGS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(gw_config *c, int err, const char *errors) {
  char host[GW_CONFIG_HOST_MAX], why[GW_ROUTE_WHY_MAX];
  uint16_t port;
  const char *list = c->listen_public;
  char word[GW_CONFIG_WORD_MAX];
  must((err == 0) == (errors[0] == '\0'));
  if (err != 0) {
    must(err == GW_ERR_INVALID);
    must(errors[strlen(errors) - 1] == '\n');
    return;
  }
  must(c->workers > 0 && c->settings.num_namespaces > 0);
  while (gw_config_next_word(&list, word))
    must(gw_config_unix_path(word) != NULL ||
         gw_config_address(word, host, &port) == 0);
  gw_routes routes = {0};
  must(gw_config_add_routes(c, &routes, why) == 0);
  gw_routes_deinit(&routes);
}

static int load_file(gw_config *c, gw_view text, FILE *errors) {
  char path[64];
  int fd = memfd_create("godwit.yaml", MFD_CLOEXEC);
  must(fd >= 0);
  must(write(fd, text.data, text.len) == (ssize_t)text.len);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int err = gw_config_load_file(c, path, errors);
  close(fd);
  return err;
}

/** --config would have files read that are nobody's business. */
static bool is_allowed(const char *flag) {
  return strncmp(flag, "--conf", 6) != 0;
}

static int load_flags(gw_config *c, gw_view text, FILE *errors) {
  char *flags[MAX_FLAGS], *copy = strndup((const char *)text.data, text.len);
  int num = 0;
  must(copy != NULL);
  for (char *rest = copy; rest != NULL && num < MAX_FLAGS;) {
    char *flag = strsep(&rest, "\n");
    if (is_allowed(flag)) flags[num++] = flag;
  }
  int err = gw_config_load(c, num, flags, errors);
  free(copy);
  return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *told = NULL;
  size_t told_len = 0;
  gw_config c;
  if (size == 0) return 0;
  FILE *errors = open_memstream(&told, &told_len);
  must(errors != NULL);
  int err = data[0] == 'f'
                ? load_flags(&c, (gw_view){data + 1, size - 1}, errors)
                : load_file(&c, (gw_view){data, size}, errors);
  (void)fclose(errors);
  check(&c, err, told);
  gw_config_deinit(&c);
  free(told);
  return 0;
}

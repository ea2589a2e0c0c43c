/* SPDX-License-Identifier: MIT */
/* plugins.c - dlopen, and a look at whether both sides mean the same. */
#include "server/middleware/plugins.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/** Whether the object may be called at all; else why. */
static bool is_ours(const gw_plugin *plugin, const char *path, char *why) {
  if (plugin->abi != GW_PLUGIN_ABI) {
    snprintf(why, GW_PLUGINS_WHY_MAX,
             "plugin '%.300s' was built for version %u of the plugin "
             "interface, and this server has %u: build it again",
             path, plugin->abi, GW_PLUGIN_ABI);
    return false;
  }
  if (plugin->size < sizeof *plugin || plugin->name == NULL ||
      plugin->load == NULL) {
    snprintf(why, GW_PLUGINS_WHY_MAX,
             "plugin '%.300s': its " GW_PLUGIN_SYMBOL
             " has no name, no load, or a wrong size: define it by GW_PLUGIN",
             path);
    return false;
  }
  return true;
}

static const gw_plugin *find(void *object, const char *path, char *why) {
  const gw_plugin *plugin = dlsym(object, GW_PLUGIN_SYMBOL);
  if (plugin == NULL)
    snprintf(why, GW_PLUGINS_WHY_MAX,
             "plugin '%.300s' defines no " GW_PLUGIN_SYMBOL
             ": is it a plugin of this server?",
             path);
  return plugin != NULL && is_ours(plugin, path, why) ? plugin : NULL;
}

static bool is_loaded(const gw_plugins *p, const gw_plugin *plugin) {
  for (size_t i = 0; i < p->num; i++) {
    if (strcmp(p->items[i].plugin->name, plugin->name) == 0) return true;
  }
  return false;
}

static int begin(gw_plugin_loaded *one, gw_server *s, const char *settings,
                 char *why) {
  char its_own[GW_PLUGIN_WHY_MAX] = "";
  const gw_plugin *plugin = one->plugin;
  int err = plugin->load(s, settings, its_own, &one->state);
  if (err >= 0) return 0;
  its_own[sizeof its_own - 1] = '\0';
  snprintf(why, GW_PLUGINS_WHY_MAX, "plugin %.100s: %s", plugin->name,
           its_own[0] != '\0' ? its_own : gw_err_text(err));
  return GW_ERR_INVALID;
}

/** Open an object, and look into it. False: why says it, and it may be open. */
static bool open_object(gw_plugin_loaded *one, const char *path, char *why) {
  *one = (gw_plugin_loaded){.object = NULL};
  /* With a slash, as otherwise the system's folders would be searched. */
  if (strchr(path, '/') == NULL)
    snprintf(why, GW_PLUGINS_WHY_MAX,
             "plugin '%.300s': name a file, such as ./%.300s", path, path);
  else if ((one->object = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
    snprintf(why, GW_PLUGINS_WHY_MAX, "plugin: %.900s", dlerror());
  if (one->object != NULL) one->plugin = find(one->object, path, why);
  return one->plugin != NULL;
}

bool gw_plugins_check(const char *path, char why[GW_PLUGINS_WHY_MAX]) {
  gw_plugin_loaded one;
  bool is_good = open_object(&one, path, why);
  if (one.object != NULL) dlclose(one.object);
  return is_good;
}

int gw_plugins_load(gw_plugins *p, gw_server *s, const char *path,
                    const char *settings, char why[GW_PLUGINS_WHY_MAX]) {
  if (p->num == GW_PLUGINS_MAX) {
    snprintf(why, GW_PLUGINS_WHY_MAX, "there are more than %u plugins",
             GW_PLUGINS_MAX);
    return GW_ERR_INVALID;
  }
  gw_plugin_loaded one;
  int err = open_object(&one, path, why) ? 0 : GW_ERR_INVALID;
  if (err == 0 && is_loaded(p, one.plugin)) {
    snprintf(why, GW_PLUGINS_WHY_MAX, "plugin %.100s is loaded twice",
             one.plugin->name);
    err = GW_ERR_INVALID;
  }
  if (err == 0) err = begin(&one, s, settings, why);
  /* What has begun may have left something behind: it is not closed. */
  if (one.object != NULL && one.plugin == NULL) dlclose(one.object);
  if (err == 0) p->items[p->num++] = one;
  return err;
}

void gw_plugins_unload(gw_plugins *p) {
  while (p->num != 0) {
    gw_plugin_loaded *one = &p->items[--p->num];
    if (one->plugin->unload != NULL) one->plugin->unload(one->state);
    dlclose(one->object);
  }
}

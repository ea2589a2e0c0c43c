#!/usr/bin/python3
# browser.py - the least browser that WebKitGTK makes: windows without bars, which a
# driver of WebDriver opens and steers.
# SPDX-License-Identifier: MIT
#
#   browser.py --automation --data DIR [--dark]
#
# WebKitWebDriver starts it. In place of WebKitGTK's MiniBrowser, for three reasons:
# a window may be as narrow as a phone, pages say on the standard output what their
# consoles get (WebKit does so for sessions with data only, and MiniBrowser has none
# when it is driven), and nothing moves that a page would move for its looks.

import argparse

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")

from gi.repository import Gdk, Gtk, WebKit2  # noqa: E402

WIDTH = 1280
HEIGHT = 800


class Browser:
    """Windows that share their data and their settings."""

    def __init__(self, folder):
        manager = WebKit2.WebsiteDataManager(base_data_directory=folder,
                                             base_cache_directory=folder)
        self.context = WebKit2.WebContext(website_data_manager=manager)
        self.context.set_automation_allowed(True)
        self.context.connect("automation-started", self.on_automation)
        self.settings = WebKit2.Settings(
            enable_write_console_messages_to_stdout=True)
        self.windows = 0

    def on_automation(self, _context, session):
        info = WebKit2.ApplicationInfo()
        info.set_name("WebKitGTK")
        info.set_version(WebKit2.get_major_version(),
                         WebKit2.get_minor_version(),
                         WebKit2.get_micro_version())
        session.set_application_info(info)
        session.connect("create-web-view", lambda _session: self.open())

    def open(self):
        view = WebKit2.WebView(web_context=self.context,
                               settings=self.settings,
                               is_controlled_by_automation=True)
        window = Gtk.Window(default_width=WIDTH, default_height=HEIGHT)
        window.connect("destroy", self.on_closed)
        view.connect("close", lambda _view: window.destroy())
        # Without a window manager nobody else gives it the keyboard.
        window.connect("map-event", lambda *_:
                       window.get_window().focus(Gdk.CURRENT_TIME))
        window.add(view)
        window.show_all()
        self.windows += 1
        return view

    def on_closed(self, _window):
        self.windows -= 1
        if self.windows == 0:
            Gtk.main_quit()


def main():
    parser = argparse.ArgumentParser(description="a browser to be driven")
    parser.add_argument("--automation", action="store_true")
    parser.add_argument("--data", required=True)
    parser.add_argument("--dark", action="store_true")
    args = parser.parse_args()
    settings = Gtk.Settings.get_default()
    settings.set_property("gtk-application-prefer-dark-theme", args.dark)
    # Which pages know as prefers-reduced-motion.
    settings.set_property("gtk-enable-animations", False)
    # Held until the end: without it nobody listens to the driver.
    browser = Browser(args.data)
    Gtk.main()
    del browser


if __name__ == "__main__":
    main()

// librsvg and Cairo, loaded when the first picture is made, so that programs that make none need neither. The
// names are those of their headers.

#pragma once

#include <cairo-pdf.h>
#include <cairo.h>
#include <librsvg/rsvg.h>

namespace chainrule {

/// What is needed of librsvg, and of Cairo and GLib that come with it, under the names there. They are loaded
/// by the first who asks.
struct Cairo {
  /// IoError where they are not installed.
  static const Cairo& get();

  decltype(&::cairo_create) cairo_create;
  decltype(&::cairo_destroy) cairo_destroy;
  decltype(&::cairo_image_surface_create) cairo_image_surface_create;
  decltype(&::cairo_pdf_surface_create_for_stream) cairo_pdf_surface_create_for_stream;
  decltype(&::cairo_show_page) cairo_show_page;
  decltype(&::cairo_status) cairo_status;
  decltype(&::cairo_status_to_string) cairo_status_to_string;
  decltype(&::cairo_surface_destroy) cairo_surface_destroy;
  decltype(&::cairo_surface_finish) cairo_surface_finish;
  decltype(&::cairo_surface_status) cairo_surface_status;
  decltype(&::cairo_surface_write_to_png_stream) cairo_surface_write_to_png_stream;
  decltype(&::g_error_free) g_error_free;
  decltype(&::g_object_unref) g_object_unref;
  decltype(&::rsvg_handle_new_from_data) rsvg_handle_new_from_data;
  decltype(&::rsvg_handle_render_document) rsvg_handle_render_document;

 private:
  Cairo();
};

}  // namespace chainrule

// Loads the libraries that draw. All together are 50, which takes twice as long as everything else that a
// program does before main().

#include <string>

#include "chainrule/error.h"
#include "draw/render/cairo.h"
#include "draw/render/graphviz.h"
#include "kernels/shared_library.h"

namespace chainrule {
namespace {

/// Sets pointers to functions of a library.
class Loader {
 public:
  Loader(const char* file, const char* remedy) : library_(file), file_(file), remedy_(remedy) {}
  template <class Function>
  void operator()(Function*& function, const char* name) const {
    if (library_.find(function, name)) return;
    throw IoError(std::string("drawing: ") + (library_ ? "there is no " + std::string(name) + " in " : "") +
                  file_ + (library_ ? "" : " cannot be loaded") + "; install " + remedy_);
  }

 private:
  SharedLibrary library_;
  const char *file_, *remedy_;
};

}  // namespace

Graphviz::Graphviz() {
  constexpr const char* remedy = "Graphviz (Debian's package graphviz)";
  const Loader graphs(CHAINRULE_LIBCGRAPH, remedy), contexts(CHAINRULE_LIBGVC, remedy);
  graphs(agclose, "agclose");
  graphs(agfstin, "agfstin");
  graphs(agfstnode, "agfstnode");
  graphs(agfstout, "agfstout");
  graphs(agmemread, "agmemread");
  graphs(agnnodes, "agnnodes");
  graphs(agnxtin, "agnxtin");
  graphs(agnxtnode, "agnxtnode");
  graphs(agnxtout, "agnxtout");
  graphs(agsafeset, "agsafeset");
  graphs(agseterrf, "agseterrf");
  contexts(gvContext, "gvContext");
  contexts(gvFreeLayout, "gvFreeLayout");
  contexts(gvFreeRenderData, "gvFreeRenderData");
  contexts(gvLayout, "gvLayout");
  contexts(gvRenderData, "gvRenderData");
}

const Graphviz& Graphviz::get() {
  static const Graphviz loaded;
  return loaded;
}

Cairo::Cairo() {
  constexpr const char* remedy = "librsvg (Debian's package librsvg2-2)";
  const Loader pictures(CHAINRULE_LIBRSVG, remedy), surfaces(CHAINRULE_LIBCAIRO, remedy),
      objects(CHAINRULE_LIBGOBJECT, remedy), errors(CHAINRULE_LIBGLIB, remedy);
  surfaces(cairo_create, "cairo_create");
  surfaces(cairo_destroy, "cairo_destroy");
  surfaces(cairo_image_surface_create, "cairo_image_surface_create");
  surfaces(cairo_pdf_surface_create_for_stream, "cairo_pdf_surface_create_for_stream");
  surfaces(cairo_show_page, "cairo_show_page");
  surfaces(cairo_status, "cairo_status");
  surfaces(cairo_status_to_string, "cairo_status_to_string");
  surfaces(cairo_surface_destroy, "cairo_surface_destroy");
  surfaces(cairo_surface_finish, "cairo_surface_finish");
  surfaces(cairo_surface_status, "cairo_surface_status");
  surfaces(cairo_surface_write_to_png_stream, "cairo_surface_write_to_png_stream");
  errors(g_error_free, "g_error_free");
  objects(g_object_unref, "g_object_unref");
  pictures(rsvg_handle_new_from_data, "rsvg_handle_new_from_data");
  pictures(rsvg_handle_render_document, "rsvg_handle_render_document");
}

const Cairo& Cairo::get() {
  static const Cairo loaded;
  return loaded;
}

}  // namespace chainrule

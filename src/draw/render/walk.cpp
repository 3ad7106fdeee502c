// The frames of a walk as PNG and PDF, by librsvg and Cairo.
// The frames themselves are drawn as SVG in src/draw/walk.

#include <cmath>
#include <memory>

#include "chainrule/walk.h"
#include "draw/render/cairo.h"
#include "draw/walk/walk_page.h"

namespace chainrule {
namespace {

using Surface = std::unique_ptr<cairo_surface_t, decltype(Cairo::cairo_surface_destroy)>;
using Canvas = std::unique_ptr<cairo_t, decltype(Cairo::cairo_destroy)>;

/// A surface of this type that writes what is drawn on it to the end of the string.
cairo_status_t append(void* text, const unsigned char* data, unsigned int size) {
  static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(data), size);  // NOLINT: C's bytes
  return CAIRO_STATUS_SUCCESS;
}

void check(const Cairo& library, cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw IoError(std::string("cairo: ") + library.cairo_status_to_string(status));
}

void draw_svg(const Cairo& library, cairo_t* canvas, const std::string& svg, double width, double height) {
  GError* error = nullptr;
  const std::unique_ptr<RsvgHandle, decltype(library.g_object_unref)> handle(
      library.rsvg_handle_new_from_data(reinterpret_cast<const guint8*>(svg.data()), svg.size(),
                                        &error),  // NOLINT
      library.g_object_unref);
  const RsvgRectangle page{0, 0, width, height};
  if (handle && library.rsvg_handle_render_document(handle.get(), canvas, &page, &error) != FALSE) return;
  const std::unique_ptr<GError, decltype(library.g_error_free)> owner(error, library.g_error_free);
  throw IoError("librsvg cannot draw the picture: " + std::string(error->message));
}

}  // namespace

struct WalkDrawing::Parts {
  explicit Parts(const Walk& of) : walk(of), scene(laid_out(of)), picture(of, scene) {}
  static WalkScene laid_out(const Walk& walk) {
    WalkScene scene(walk);
    scene.set_layout(layout_of(scene.dot()));
    return scene;
  }
  const Walk& walk;
  const WalkScene scene;
  const WalkPicture picture;
};

WalkDrawing::WalkDrawing(const Walk& walk) : parts_(std::make_unique<Parts>(walk)) {}
WalkDrawing::~WalkDrawing() = default;

std::string WalkDrawing::html() const { return walk_page(parts_->walk, parts_->scene); }
std::size_t WalkDrawing::frames() const { return parts_->scene.frames(); }
std::string WalkDrawing::latex() const {
  const LatexGraph graph(parts_->walk, parts_->scene);
  const Layout across = layout_of(graph.dot("LR")), down = layout_of(graph.dot("TB"));
  return walk_latex(parts_->walk, graph, LatexGraph::scale(down) > LatexGraph::scale(across) ? down : across);
}
std::string WalkDrawing::svg(std::size_t frame) const { return parts_->picture.svg(frame); }

std::string WalkDrawing::png(std::size_t frame) const {
  const Cairo& library = Cairo::get();
  constexpr double scale = 2;  // sharp on a projector
  const double width = std::ceil(scale * parts_->picture.width()),
               height = std::ceil(scale * parts_->picture.height());
  const Surface surface(library.cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width),
                                                           static_cast<int>(height)),
                        library.cairo_surface_destroy);
  check(library, library.cairo_surface_status(surface.get()));
  const Canvas canvas(library.cairo_create(surface.get()), library.cairo_destroy);
  draw_svg(library, canvas.get(), svg(frame), width, height);
  std::string png;
  check(library, library.cairo_surface_write_to_png_stream(surface.get(), append, &png));
  return png;
}

std::string WalkDrawing::pdf() const {
  const Cairo& library = Cairo::get();
  const double width = parts_->picture.width(), height = parts_->picture.height();
  std::string pdf;
  const Surface surface(library.cairo_pdf_surface_create_for_stream(append, &pdf, width, height),
                        library.cairo_surface_destroy);
  const Canvas canvas(library.cairo_create(surface.get()), library.cairo_destroy);
  for (std::size_t frame = 0; frame < frames(); ++frame) {
    draw_svg(library, canvas.get(), svg(frame), width, height);
    library.cairo_show_page(canvas.get());
  }
  check(library, library.cairo_status(canvas.get()));
  library.cairo_surface_finish(surface.get());
  check(library, library.cairo_surface_status(surface.get()));
  return pdf;
}

}  // namespace chainrule

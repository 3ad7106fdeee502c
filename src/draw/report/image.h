// Pixels, and a picture of them that a page can hold.
// Relies on libpng, which is why reports are in chainrule::render.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chainrule {

struct Pixel {
  std::uint8_t red = 0, green = 0, blue = 0;
  std::uint8_t opacity = 0;
};

/// A picture, row by row from the top left.
struct Image {
  std::int64_t width = 0, height = 0;
  std::vector<Pixel> pixels;
};

/// The picture as a PNG file, as an address that holds all of it: "data:image/png;base64,...".
std::string data_address(const Image& image);

}  // namespace chainrule

// Pixels as a picture within a page: PNG, by libpng, in base64. Shared by surfaces and pictures of weights.
// Relies on zlib through libpng.

#include "draw/report/image.h"

#include <png.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "chainrule/report.h"

namespace chainrule {
namespace {

std::string base64(std::string_view bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = i; k < i + 3; ++k)
      bits = bits << 8 | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : digits[bits >> (18 - 6 * k) & 63];
  }
  return text;
}

std::string png_of(std::int64_t width, std::int64_t height, png_uint_32 format, const void* pixels) {
  png_image description = {};
  description.version = PNG_IMAGE_VERSION;
  description.width = static_cast<png_uint_32>(width);
  description.height = static_cast<png_uint_32>(height);
  description.format = format;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(description);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&description, bytes.data(), &size, 0, pixels, 0, nullptr) == 0)
    throw std::runtime_error(std::string("libpng cannot write an image: ") + description.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::string data_address(const Image& image) {
  return "data:image/png;base64," +
         base64(png_of(image.width, image.height, PNG_FORMAT_RGBA, image.pixels.data()));
}

std::string png(std::int64_t width, std::int64_t height, std::span<const std::uint8_t> pixels) {
  constexpr std::int64_t most = 1 << 15;  // so that no size overflows
  if (width < 1 || height < 1 || width > most || height > most || std::ssize(pixels) != 3 * width * height)
    throw std::invalid_argument("png: " + std::to_string(pixels.size()) + " bytes for " +
                                std::to_string(width) + "x" + std::to_string(height) +
                                " pixels; there must be three for each, at most 32768 pixels on a side");
  return png_of(width, height, PNG_FORMAT_RGB, pixels.data());
}

}  // namespace chainrule

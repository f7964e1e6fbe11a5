#include "tests/unit/image/opencv_reference.h"

#include <cstdlib>
#include <cstring>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

extern "C" uint8_t *reference_decode(const uint8_t *bytes, size_t size, bool ignore_exif,
                                     int *width, int *height)
{
    const cv::Mat input(1, static_cast<int>(size), CV_8U, const_cast<uint8_t *>(bytes));
    const int flags =
        ignore_exif ? cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION : cv::IMREAD_COLOR;
    cv::Mat picture;
    try {
        picture = cv::imdecode(input, flags);
    } catch (const cv::Exception &) {
        return nullptr;
    }
    if (picture.empty())
        return nullptr;
    *width = picture.cols;
    *height = picture.rows;
    auto *rgb = static_cast<uint8_t *>(std::malloc(3 * picture.total()));
    cv::Mat out(picture.rows, picture.cols, CV_8UC3, rgb);
    cv::cvtColor(picture, out, cv::COLOR_BGR2RGB);
    return rgb;
}

extern "C" void *reference_decode_grey(const uint8_t *bytes, size_t size, int *width, int *height,
                                       int *sample_bytes)
{
    const cv::Mat input(1, static_cast<int>(size), CV_8U, const_cast<uint8_t *>(bytes));
    const cv::Mat picture = cv::imdecode(input, cv::IMREAD_UNCHANGED);
    if (picture.empty() || picture.channels() != 1)
        return nullptr;
    *width = picture.cols;
    *height = picture.rows;
    *sample_bytes = static_cast<int>(picture.elemSize());
    void *out = std::malloc(picture.total() * picture.elemSize());
    std::memcpy(out, picture.data, picture.total() * picture.elemSize());
    return out;
}

extern "C" bool reference_encode(const char *suffix, const uint8_t *rgb, int width, int height,
                                 const int *options, int option_count, uint8_t **bytes,
                                 size_t *size)
{
    const cv::Mat picture(height, width, CV_8UC3, const_cast<uint8_t *>(rgb));
    cv::Mat bgr;
    cv::cvtColor(picture, bgr, cv::COLOR_RGB2BGR);
    std::vector<uint8_t> file;
    if (!cv::imencode(suffix, bgr, file, std::vector<int>(options, options + option_count)))
        return false;
    *bytes = static_cast<uint8_t *>(std::malloc(file.size()));
    *size = file.size();
    std::memcpy(*bytes, file.data(), file.size());
    return true;
}

extern "C" void reference_resize(uint8_t *out, int out_width, int out_height, const uint8_t *in,
                                 int width, int height)
{
    const cv::Mat source(height, width, CV_8UC3, const_cast<uint8_t *>(in));
    cv::Mat target(out_height, out_width, CV_8UC3, out);
    cv::resize(source, target, target.size(), 0, 0, cv::INTER_LINEAR);
}
